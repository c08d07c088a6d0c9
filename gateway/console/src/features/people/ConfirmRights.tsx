/** Asks before somebody gets rights over the company's ledger, naming them and what follows. */

import { Text } from "@mantine/core";
import { useT } from "@/app/preferences";
import { Confirm } from "@/components/confirm";
import { useRoleName } from "./names";

interface ConfirmRightsProps {
  /** Whom it is about. */
  names: readonly string[];
  /** The role that they get. */
  role: string;
  /** The role that they lose. */
  before?: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** Roles that change others' rights and see every record. */
export function isPowerful(role: string): boolean {
  return role === "owner" || role === "admin";
}

export function ConfirmRights({ names, role, before, onConfirm, onClose }: ConfirmRightsProps) {
  const t = useT();
  const roleName = useRoleName();
  const name = names.length === 1 ? (names[0] ?? "") : t("rights.people", { n: names.length });
  const text = before === "owner" && role !== "owner" ? "rights.loses" : role === "owner" ? "rights.owner" : "rights.admin";
  return (
    <Confirm opened title={t("rights.title", { name, role: roleName(role) })} text={t(text)} action={t("rights.give")} onConfirm={onConfirm} onClose={onClose}>
      {names.length > 1 && <Text size="sm">{names.join(t("list.separator"))}</Text>}
    </Confirm>
  );
}
