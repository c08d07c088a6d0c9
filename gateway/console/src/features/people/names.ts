/** What roles are called. */

import { useT } from "@/app/preferences";
import { isKey } from "@/i18n";

/** Roles that can be given; only owners make owners. */
export const ROLES = ["owner", "admin", "manager", "member", "read_only"] as const;

export function useRoleName(): (role: string) => string {
  const t = useT();
  return (role) => {
    const key = `role.${role}`;
    return isKey(key) ? t(key) : role;
  };
}

/** The roles that the caller may give, as choices of a select. */
export function useRoleChoices(own: string | undefined, current?: string): { value: string; label: string }[] {
  const roleName = useRoleName();
  return ROLES.filter((role) => role !== "owner" || own === "owner" || current === "owner").map((value) => ({
    value,
    label: roleName(value),
  }));
}
