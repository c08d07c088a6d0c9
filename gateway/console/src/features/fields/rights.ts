/** What a role that manages fields may do with one of them; customers decides (definitions/field_roles.py). */

import type { Field } from "@/api/types";

type Roles = readonly string[] | null | undefined;

const OWNER = "owner";

const isAmong = (roles: Roles, role: string): boolean => roles == null || roles.includes(role);

/** Whether the role may read and write the field, or is the owner's: then it may delete it, and change its default, options and whether it is required. */
export function mayChangeValues(field: Field, role: string | undefined): boolean {
  if (role === undefined) return false;
  return role === OWNER || (isAmong(field.read_roles, role) && isAmong(field.write_roles, role));
}

/** Whether the role may change whether the field is sensitive, searchable or sortable. */
export function mayChangeReading(field: Field, role: string | undefined): boolean {
  return role !== undefined && (role === OWNER || isAmong(field.read_roles, role));
}

/** Whether the role may add roles to a field's list; everybody who manages fields may remove some. */
export function mayAddRoles(roles: Roles, role: string | undefined): boolean {
  return role !== undefined && (role === OWNER || isAmong(roles, role));
}
