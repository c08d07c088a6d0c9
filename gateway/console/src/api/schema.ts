/** What the API takes and answers. `npm run api` writes this file anew from the gateway's OpenAPI document. */

type Json<T> = { content: { "application/json": T } };
type Answer<S extends number, T> = { responses: { [K in S]: { headers: Record<string, unknown> } & Json<T> } };
type Done<T> = Answer<200, T>;
type Made<T> = Answer<201, T>;
type Empty = { responses: { 204: { headers: Record<string, unknown>; content?: never } } };
type Body<T> = { requestBody: Json<T> };
type Path<P> = { parameters: { path: P } };
type Query<Q> = { parameters: { query?: Q } };
type Match = { parameters: { header: { "If-Match": string } } };
type Once = { parameters: { header?: { "Idempotency-Key"?: string } } };
type Id = Path<{ id: string }>;

type S = components["schemas"];

export interface paths {
  "/v1/tenants": { post: Body<S["SignUp"]> & Made<S["TenantView"]> };
  "/v1/sessions": { post: Body<S["SignIn"]> & Made<unknown> };
  "/v1/sessions/current": { delete: Empty };
  "/v1/email-confirmations": { post: Body<{ token: string }> & Done<unknown> };
  "/v1/password-resets": { post: Body<{ tenant: string; email: string }> & Done<unknown> };
  "/v1/password-resets/complete": { post: Body<{ token: string; password: string }> & Done<unknown> };
  "/v1/invitations/accept": {
    post: Body<{ token: string; display_name: string; password: string }> &
      Made<{ tenant: string; email: string; user_id: string }>;
  };
  "/v1/me": { get: Done<S["Me"]> };
  "/v1/users": { get: Query<{ limit?: number; cursor?: string }> & Done<S["Page_User"]> };
  "/v1/users/{id}": { patch: Id & Match & Body<S["UserPatch"]> & Done<S["User"]> };
  "/v1/invitations": {
    get: Query<{ limit?: number; cursor?: string }> & Done<S["Page_Invitation"]>;
    post: Body<{ invitations: S["InvitationInput"][] }> & Made<S["Page_Invitation"]>;
  };
  "/v1/invitations/{id}": { delete: Id & Empty };
  "/v1/roles": { get: Done<S["Page_Role"]> };
  "/v1/roles/{name}": {
    patch: Path<{ name: string }> & Match & Body<{ permissions: Record<string, S["Scope"]> }> & Done<S["Role"]>;
  };
  "/v1/teams": { get: Done<S["Page_Team"]>; post: Once & Body<{ name: string }> & Made<S["Team"]> };
  "/v1/teams/{id}": { patch: Id & Match & Body<{ name: string }> & Done<S["Team"]>; delete: Id & Match & Empty };
  "/v1/fields": {
    get: Query<{ resource?: string }> & Done<{ items: S["FieldView"][] }>;
    post: Once & Body<S["FieldInput"]> & Made<S["FieldView"]>;
  };
  "/v1/fields/{id}": {
    patch: Id & Match & Body<S["FieldPatch"]> & Done<S["FieldView"]>;
    delete: Id & Match & Empty;
  };
  "/v1/contacts": { post: Once & Body<S["RecordInput"]> & Made<S["ContactView"]> };
  "/v1/contacts/search": { post: Body<S["SearchRequest"]> & Done<S["Page_ContactCard"]> };
  "/v1/contacts/{id}": {
    get: Id & Done<S["ContactView"]>;
    patch: Id & Match & Body<S["RecordInput"]> & Done<S["ContactView"]>;
    delete: Id & Match & Empty;
  };
  "/v1/contacts/{id}/restore": { post: Id & Done<S["ContactView"]> };
  "/v1/contacts/{id}/history": { get: Id & Done<S["Page_HistoryEntry"]> };
  "/v1/companies": { post: Once & Body<S["RecordInput"]> & Made<S["CompanyView"]> };
  "/v1/companies/search": { post: Body<S["SearchRequest"]> & Done<S["Page_CompanyCard"]> };
  "/v1/companies/{id}": {
    get: Id & Done<S["CompanyView"]>;
    patch: Id & Match & Body<S["RecordInput"]> & Done<S["CompanyView"]>;
    delete: Id & Match & Empty;
  };
  "/v1/companies/{id}/restore": { post: Id & Done<S["CompanyView"]> };
  "/v1/companies/{id}/history": { get: Id & Done<S["Page_HistoryEntry"]> };
  "/v1/imports": {
    get: Query<{ limit?: number; cursor?: string }> & Done<S["Page_Import"]>;
    post: { requestBody: { content: { "multipart/form-data": unknown } } } & Made<S["ImportView"]>;
  };
  "/v1/imports/{id}": {
    get: Id & Done<S["ImportView"]>;
    patch: Id & Body<S["ImportPatch"]> & Done<S["ImportView"]>;
  };
  "/v1/imports/{id}/check": { post: Id & Done<S["ImportView"]> };
  "/v1/imports/{id}/run": { post: Id & Done<S["ImportView"]> };
  "/v1/imports/{id}/errors": {
    get: Path<{ id: string }> & Query<{ limit?: number; cursor?: string }> & Done<S["Page_ImportError"]>;
  };
  "/v1/audit/entries/search": { post: Body<S["AuditSearch"]> & Done<S["Page_AuditEntry"]> };
  "/v1/audit/entries/{id}": { get: Id & Done<S["AuditEntry"]> };
  "/v1/audit/entries/{id}/proof": { get: Id & Done<unknown> };
  "/v1/audit/checkpoint": { get: Done<S["Checkpoint"]> };
}

interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

interface Dated {
  created_at: string;
  updated_at: string;
}

export interface components {
  schemas: {
    Scope: "none" | "own" | "team" | "all";
    SignUp: { code: string; company_name: string; admin: { email: string; display_name: string; password: string; language?: "ja" | "en" } };
    TenantView: { id: string; code: string; company_name: string; email_confirmed: boolean };
    SignIn: { tenant: string; email: string; password: string; cookies?: boolean };
    Me: {
      user: components["schemas"]["User"];
      tenant: components["schemas"]["TenantView"];
      permissions: Record<string, components["schemas"]["Scope"]>;
    };
    User: {
      id: string;
      version: number;
      email: string;
      display_name: string;
      role: string;
      team_id: string | null;
      disabled: boolean;
      language: "ja" | "en";
      successor_id: string | null;
      created_at: string;
    };
    UserPatch: {
      display_name?: string;
      language?: "ja" | "en";
      role?: string;
      team_id?: string | null;
      disabled?: boolean;
      successor_id?: string | null;
    };
    InvitationInput: { email: string; role: string; team_id?: string | null; language?: "ja" | "en" };
    Invitation: {
      id: string;
      email: string;
      role: string;
      team_id: string | null;
      status: string;
      created_at: string;
      expires_at: string;
    };
    Role: {
      name: string;
      version: number;
      permissions: Record<string, components["schemas"]["Scope"]>;
      editable: boolean;
    };
    Team: { id: string; version: number; name: string; members: number };
    Option: { value: string; label: string; color: string | null; archived: boolean };
    FieldType:
      | "text"
      | "long_text"
      | "integer"
      | "decimal"
      | "money"
      | "date"
      | "datetime"
      | "boolean"
      | "select"
      | "multi_select"
      | "url"
      | "email"
      | "phone"
      | "user"
      | "link";
    FieldView: {
      id: string;
      version: number;
      resource: "contact" | "company";
      position: number;
      key: string;
      type: components["schemas"]["FieldType"];
      label: string;
      help: string;
      section: string;
      required: boolean;
      unique: boolean;
      sensitive: boolean;
      searchable: boolean;
      sortable: boolean;
      default: unknown;
      options: components["schemas"]["Option"][];
      scale: number;
      currency: string;
      link_resource: string | null;
      max_length: number | null;
      read_roles: string[] | null;
      write_roles: string[] | null;
    };
    FieldInput: Partial<components["schemas"]["FieldView"]> &
      Pick<components["schemas"]["FieldView"], "resource" | "key" | "type">;
    FieldPatch: Partial<components["schemas"]["FieldView"]>;
    RecordInput: Record<string, unknown>;
    SearchRequest: {
      q?: string | null;
      filter?: Record<string, unknown> | null;
      sort?: string | null;
      limit?: number;
      cursor?: string | null;
    };
    Email: { address: string; kind: string };
    Phone: { number: string; kind: string };
    Address: {
      postal_code: string | null;
      prefecture: string | null;
      city: string | null;
      street: string | null;
      building: string | null;
    };
    Money: { amount: number; currency: string };
    ContactCard: Dated & {
      id: string;
      version: number;
      family_name: string;
      given_name: string | null;
      family_name_kana: string | null;
      given_name_kana: string | null;
      emails: components["schemas"]["Email"][];
      phones: components["schemas"]["Phone"][];
      company_id: string | null;
      company_name: string | null;
      department: string | null;
      title: string | null;
      customer_code: string | null;
      lifecycle: string;
      prefecture: string | null;
      owner_id: string | null;
      custom: Record<string, unknown>;
    };
    ContactView: Omit<components["schemas"]["ContactCard"], "prefecture"> & {
      address: components["schemas"]["Address"];
      birthday: string | null;
      notes: string | null;
      tags: string[];
      deleted_at: string | null;
    };
    CompanyCard: Dated & {
      id: string;
      version: number;
      name: string;
      name_kana: string | null;
      corporate_number: string | null;
      phone: string | null;
      prefecture: string | null;
      city: string | null;
      owner_id: string | null;
      custom: Record<string, unknown>;
    };
    CompanyView: Omit<components["schemas"]["CompanyCard"], "prefecture" | "city"> & {
      registration_number: string | null;
      url: string | null;
      address: components["schemas"]["Address"];
      capital: components["schemas"]["Money"] | null;
      closing_month: number | null;
      founded_on: string | null;
      tags: string[];
      deleted_at: string | null;
    };
    HistoryEntry: {
      version: number;
      kind: "created" | "updated" | "deleted" | "restored" | "handed_over";
      at: string;
      actor_kind: string;
      actor_id: string | null;
      cause_id: string | null;
      changes: Record<string, unknown[]>;
    };
    ImportColumn: { index: number; name: string; samples: string[]; suggested_field: string | null };
    ImportView: {
      id: string;
      resource: "contact" | "company";
      status: "mapping" | "checking" | "checked" | "running" | "done" | "failed";
      file_name: string;
      file_size: number;
      encoding: string | null;
      delimiter: string | null;
      header_row: number;
      columns: components["schemas"]["ImportColumn"][];
      mapping: { column: number; field?: string | null }[];
      match_on: string | null;
      on_match: "create" | "update" | "skip";
      failure: string | null;
      rows: number;
      valid: number;
      rejected: number;
      created: number;
      updated: number;
      skipped: number;
      created_by: string;
      created_at: string;
    };
    ImportPatch: {
      encoding?: string | null;
      delimiter?: string | null;
      header_row?: number;
      mapping?: { column: number; field?: string | null }[];
      match_on?: string | null;
      on_match?: "create" | "update" | "skip";
    };
    ImportError: { row: number; line: number; column: string | null; code: string; detail: string };
    AuditSearch: {
      actor_id?: string | null;
      action?: string | null;
      resource?: string | null;
      record_id?: string | null;
      from?: string | null;
      to?: string | null;
      limit?: number;
      cursor?: string | null;
    };
    AuditEntry: {
      id: string;
      sequence: number;
      time: string;
      kind: "change" | "access" | "erasure";
      actor: { kind: string; user_id: string | null; session_id: string | null; service: string; name?: string | null };
      action: string;
      resource: { type: string; id: string | null };
      address: string | null;
      request_id: string | null;
      payload_digest: string;
      payload: Record<string, unknown> | null;
    };
    Checkpoint: { size: number; root: string; note: string; key: string };
    Page_User: Page<components["schemas"]["User"]>;
    Page_Invitation: Page<components["schemas"]["Invitation"]>;
    Page_Role: Page<components["schemas"]["Role"]>;
    Page_Team: Page<components["schemas"]["Team"]>;
    Page_ContactCard: Page<components["schemas"]["ContactCard"]>;
    Page_CompanyCard: Page<components["schemas"]["CompanyCard"]>;
    Page_HistoryEntry: Page<components["schemas"]["HistoryEntry"]>;
    Page_Import: Page<components["schemas"]["ImportView"]>;
    Page_ImportError: Page<components["schemas"]["ImportError"]>;
    Page_AuditEntry: Page<components["schemas"]["AuditEntry"]>;
  };
}
