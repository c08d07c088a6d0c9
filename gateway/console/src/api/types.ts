/** The API's shapes by the names that the console uses. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type User = Schemas["User"];
export type UserPatch = Schemas["UserPatch"];
export type Invitation = Schemas["Invitation"];
export type Role = Schemas["Role"];
export type Scope = Schemas["Scope"];
export type Team = Schemas["Team"];
export type Field = Schemas["FieldView"];
export type FieldInput = Schemas["FieldInput"];
export type FieldPatch = Schemas["FieldPatch"];
export type FieldType = Schemas["FieldType"];
export type Option = Schemas["Option"];
export type Money = Schemas["Money"];
export type ContactCard = Schemas["ContactCard"];
export type ContactView = Schemas["ContactView"];
export type CompanyCard = Schemas["CompanyCard"];
export type CompanyView = Schemas["CompanyView"];
export type HistoryEntry = Schemas["HistoryEntry"];
export type SearchRequest = Schemas["SearchRequest"];
export type Import = Schemas["ImportView"];
export type ImportPatch = Schemas["ImportPatch"];
export type ImportError = Schemas["ImportError"];
export type AuditEntry = Schemas["AuditEntry"];
export type AuditSearch = Schemas["AuditSearch"];

export type Resource = "contact" | "company";

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}
