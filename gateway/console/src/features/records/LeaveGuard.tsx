/** Asks before edits are left that nobody has saved. */

import { useBlocker } from "@tanstack/react-router";
import { useT } from "@/app/preferences";
import { Confirm } from "@/components/confirm";

export function LeaveGuard({ isDirty }: { isDirty: boolean }) {
  const t = useT();
  const leaving = useBlocker({
    // Another address of the same page, such as a filter's, leaves nothing.
    shouldBlockFn: ({ current, next }) => isDirty && current.pathname !== next.pathname,
    enableBeforeUnload: () => isDirty,
    withResolver: true,
  });
  return (
    <Confirm
      opened={leaving.status === "blocked"}
      title={t("leave.title")}
      text={t("leave.text")}
      action={t("leave.action")}
      onConfirm={() => leaving.proceed?.()}
      onClose={() => leaving.reset?.()}
    />
  );
}
