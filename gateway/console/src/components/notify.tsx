/** Short words in the corner about what was done. */

import { Anchor } from "@mantine/core";
import { notifications } from "@mantine/notifications";

export function notifyDone(message: string): void {
  notifications.show({ message, color: "teal", autoClose: 3500, withBorder: true, withCloseButton: false });
}

export function notifyFailed(message: string): void {
  notifications.show({ message, color: "red", autoClose: 8000, withBorder: true, withCloseButton: false, role: "alert" });
}

/** Says what was done, and offers to take it back for as long as it shows. */
export function notifyUndoable(message: string, undo: { label: string; onUndo: () => void }): void {
  const id = `undo-${Date.now()}`;
  function take() {
    notifications.hide(id);
    undo.onUndo();
  }
  notifications.show({
    id,
    color: "gray",
    autoClose: 12_000,
    withBorder: true,
    withCloseButton: false,
    message: (
      <>
        {message}
        <Anchor component="button" type="button" size="sm" fw={600} ml={12} onClick={take}>
          {undo.label}
        </Anchor>
      </>
    ),
  });
}
