/** A dialog that somebody typed into asks before it closes, and before its page is left. */

import { useState, type ReactNode } from "react";
import { useT } from "@/app/preferences";
import { LeaveGuard } from "@/features/records/LeaveGuard";
import { Confirm } from "./confirm";

interface Guarded {
  /** For what closes by a slip of the hand: Escape, the cross, a click beside the dialog. */
  close: () => void;
  /** To be drawn within the dialog. */
  guard: ReactNode;
}

export function useGuarded(isDirty: boolean, onClose: () => void): Guarded {
  const t = useT();
  const [isAsking, setAsking] = useState(false);
  function close() {
    // Escape closes the question and reaches the dialog below it as well.
    if (isAsking) return;
    if (isDirty) setAsking(true);
    else onClose();
  }
  return {
    close,
    guard: (
      <>
        <LeaveGuard isDirty={isDirty} />
        <Confirm opened={isAsking} title={t("leave.title")} text={t("leave.closeText")} action={t("leave.close")} onConfirm={onClose} onClose={() => setAsking(false)} />
      </>
    ),
  };
}
