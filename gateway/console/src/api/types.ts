/** The API's shapes by the names that the console uses. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type User = Schemas["UserView"];
export type UserPatch = Schemas["UserPatch"];
export type Invitation = Schemas["InvitationView"];
export type Role = Schemas["RoleView"];
export type Scope = Role["permissions"][string];
export type Team = Schemas["TeamView"];
export type Field = Schemas["FieldView"];
export type FieldInput = Schemas["FieldInput"];
export type FieldPatch = Schemas["FieldPatch"];
export type FieldType = Schemas["FieldType"];
export type Option = Schemas["Option"];
export type Money = Schemas["Money"];
export type ContactCard = Schemas["ContactCard"];
export type ContactView = Schemas["ContactView"];
export type ContactInput = Schemas["ContactInput"];
export type CompanyInput = Schemas["CompanyInput"];
export type CompanyCard = Schemas["CompanyCard"];
export type CompanyView = Schemas["CompanyView"];
/** The client reads a pair as a list of any length. */
export type HistoryEntry = Omit<Schemas["HistoryEntry"], "changes"> & { changes: Record<string, unknown[]> };
export type SearchRequest = Schemas["SearchRequest"];
export type ExportRequest = Schemas["ExportRequest"];
export type Import = Schemas["ImportView"];
export type ImportPatch = Schemas["ImportPatch"];
export type ImportError = Schemas["ImportError"];
export type AuditEntry = Schemas["AuditEntry"];
export type Erasure = Schemas["ErasureView"];
export type ErasureDone = Schemas["ErasureDone"];
export type ErasureReason = Schemas["ErasureRequest"]["reason"];
export type AuditSearch = Schemas["AuditSearch"];

export type Resource = "contact" | "company";

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
  /** The order that it is in: newest when there was too much to sort. */
  sort?: string | null;
}
