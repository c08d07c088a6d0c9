/** What a field of a record is to the console: built-in and custom fields alike. */

import type { Field, FieldType, Option, Resource } from "@/api/types";
import { isKey, type Key, type Translate } from "@/i18n";

export type SpecType = FieldType | "emails" | "phones" | "tags" | "postal_code" | "prefecture" | "lifecycle" | "kana" | "company_name";

export interface FieldSpec {
  /** Dotted, as in history and in pointers: `address.city`, `custom.rank`. */
  name: string;
  label: string;
  type: SpecType;
  required?: boolean;
  help?: string;
  options?: Option[];
  scale?: number;
  currency?: string;
  linkResource?: string | null;
  maxLength?: number | null;
  initial?: unknown;
  readOnly?: boolean;
  /** Takes the whole width of a section. */
  wide?: boolean;
  autoComplete?: string;
}

export interface SectionSpec {
  key: string;
  title: string;
  fields: FieldSpec[];
}

interface BuiltIn {
  name: string;
  type?: SpecType;
  required?: boolean;
  help?: Key;
  wide?: boolean;
  initial?: unknown;
}

/** A section of built-in fields; labels are the catalogue's `field.<name>`. */
export function section(t: Translate, key: string, title: Key, fields: BuiltIn[]): SectionSpec {
  return {
    key,
    title: t(title),
    fields: fields.map(({ name, type = "text", help, ...rest }) => ({
      name,
      type,
      label: labelOf(name, t, []),
      help: help && t(help),
      ...rest,
    })),
  };
}

/** The sections that a tenant's own fields make, in the order of their first field. */
export function customSections(t: Translate, fields: readonly Field[], role: string | undefined): SectionSpec[] {
  const sections = new Map<string, SectionSpec>();
  for (const field of [...fields].sort((a, b) => a.position - b.position)) {
    const title = field.section || t("section.custom");
    let found = sections.get(title);
    if (!found) sections.set(title, (found = { key: `custom:${title}`, title, fields: [] }));
    found.fields.push(specOf(field, role));
  }
  return [...sections.values()];
}

export function specOf(field: Field, role: string | undefined): FieldSpec {
  return {
    name: `custom.${field.key}`,
    label: field.label || field.key,
    type: field.type,
    required: field.required,
    help: field.help || undefined,
    options: field.options,
    scale: field.scale,
    currency: field.currency,
    linkResource: field.link_resource,
    maxLength: field.max_length,
    initial: field.default ?? undefined,
    readOnly: role !== undefined && field.write_roles !== null && !field.write_roles.includes(role),
    wide: field.type === "long_text",
  };
}

/** What people call the field at `name`. */
export function labelOf(name: string, t: Translate, fields: readonly Field[]): string {
  if (name.startsWith("custom.")) {
    const key = name.slice("custom.".length);
    return fields.find((field) => field.key === key)?.label || key;
  }
  const key = `field.${name}`;
  return isKey(key) ? t(key) : name;
}

/** The name of the resource in paths. */
export function pathOf(resource: Resource): "contacts" | "companies" {
  return resource === "contact" ? "contacts" : "companies";
}
