/** The fields that a column can go into, and those by which rows find their records. */

import type { Field, Resource } from "@/api/types";
import { labelOf } from "@/features/records/specs";
import type { Translate } from "@/i18n";

const ADDRESS = ["address.postal_code", "address.prefecture", "address.city", "address.street", "address.building"];

const BUILT_IN: Record<Resource, readonly string[]> = {
  contact: [
    "customer_code",
    "family_name",
    "given_name",
    "family_name_kana",
    "given_name_kana",
    "full_name",
    "full_name_kana",
    "company_name",
    "department",
    "title",
    "email",
    "phone",
    "mobile",
    "fax",
    ...ADDRESS,
    "birthday",
    "lifecycle",
    "owner",
    "tags",
    "notes",
  ],
  company: [
    "name",
    "name_kana",
    "corporate_number",
    "registration_number",
    "phone",
    "url",
    ...ADDRESS,
    "capital",
    "closing_month",
    "founded_on",
    "owner",
    "tags",
  ],
};

const MATCHING: Record<Resource, readonly string[]> = {
  contact: ["customer_code", "email", "phone", "mobile"],
  company: ["corporate_number", "name"],
};

/** What names one record and no other; an e-mail address or a name may be shared. */
const NAMES_ONE: Record<Resource, string> = { contact: "customer_code", company: "corporate_number" };

interface Choice {
  value: string;
  label: string;
}

export function fieldChoices(resource: Resource, custom: readonly Field[], t: Translate): { group: string; items: Choice[] }[] {
  const named = (names: readonly string[]) => names.map((value) => ({ value, label: labelOf(value, t, custom) }));
  const groups = [{ group: t("imports.group.builtIn"), items: named(BUILT_IN[resource]) }];
  if (custom.length > 0) {
    groups.push({ group: t("imports.group.custom"), items: named(custom.map((field) => `custom.${field.key}`)) });
  }
  return groups;
}

/** Of the fields that are mapped, those that tell records apart. */
export function matchChoices(resource: Resource, custom: readonly Field[], mapped: readonly string[], t: Translate): Choice[] {
  const unique = custom.filter((field) => field.unique).map((field) => `custom.${field.key}`);
  return [...MATCHING[resource], ...unique]
    .filter((name) => mapped.includes(name))
    .map((value) => ({ value, label: labelOf(value, t, custom) }));
}

/** The field by which rows are offered to find their records: none where none is certain. */
export function suggestedMatch(resource: Resource, mapped: readonly string[]): string | null {
  return mapped.includes(NAMES_ONE[resource]) ? NAMES_ONE[resource] : null;
}
