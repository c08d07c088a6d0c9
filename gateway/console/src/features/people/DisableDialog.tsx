/** Ending somebody's access, and who takes over their records. */

import { Select } from "@mantine/core";
import { useState } from "react";
import type { User } from "@/api/types";
import { useT } from "@/app/preferences";
import { Confirm } from "@/components/confirm";
import { useUserChoices } from "@/components/people";

interface DisableDialogProps {
  user: User;
  isWorking: boolean;
  onClose: () => void;
  onDisable: (successor: string | null) => void;
}

export function DisableDialog({ user, isWorking, onClose, onDisable }: DisableDialogProps) {
  const t = useT();
  const [successor, setSuccessor] = useState<string | null>(null);
  const others = useUserChoices().data.filter((choice) => choice.value !== user.id);
  return (
    <Confirm
      opened
      title={t("users.disableTitle", { name: user.display_name })}
      text={t("users.disableText")}
      action={t("users.disable")}
      working={isWorking}
      onConfirm={() => onDisable(successor)}
      onClose={onClose}
    >
      <Select label={t("users.handOver")} description={t("users.handOverHelp")} data={others} value={successor} onChange={setSuccessor} searchable clearable />
    </Confirm>
  );
}
