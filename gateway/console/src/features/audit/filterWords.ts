/** What was searched for, in words: a text, and the conditions of a filter. */

import { useQuery } from "@tanstack/react-query";
import { fieldsQuery } from "@/api/queries";
import type { Resource } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { useUserName } from "@/components/people";
import { useMay } from "@/components/permissions";
import { labelOf } from "@/features/records/specs";
import { isKey, type Translate } from "@/i18n";
import { shortId } from "./things";

interface Names {
  t: Translate;
  fieldLabel: (name: string) => string;
  userName: (id: string) => string | undefined;
}

export function useFilterWords(type: string): (query: unknown) => string {
  const { translate: t } = usePreferences();
  const may = useMay();
  const userName = useUserName();
  const resource: Resource = type === "company" ? "company" : "contact";
  const { data: fields } = useQuery({ ...fieldsQuery(resource), enabled: may("fields:read") });
  return (query) => queryWords(query, { t, userName, fieldLabel: (name) => labelOf(name, t, fields ?? []) });
}

export function queryWords(query: unknown, names: Names): string {
  if (!isObject(query)) return String(query);
  const { q, filter, sort, hidden, shortened, ...rest } = query;
  const parts = [
    q ? names.t("audit.words", { text: String(q) }) : "",
    Array.isArray(hidden) && hidden.includes("q") ? names.t("audit.hiddenWords") : "",
    filter ? conditionWords(filter, names) : "",
    sortWords(sort, names),
    ...Object.entries(rest)
      .filter(([name, value]) => value !== null && !["limit", "cursor"].includes(name))
      .map(([name, value]) => pair(memberName(name, names.t), valueWords(name, value, names), names.t)),
    shortened ? names.t("audit.shortened") : "",
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(names.t("list.separator")) : names.t("audit.everything");
}

/** The order in words; nothing for the usual one, the newest first. */
function sortWords(sort: unknown, { t, fieldLabel }: Names): string {
  if (!isObject(sort)) return "";
  if (sort.hidden === true) return t("audit.hiddenSort");
  if (sort.field === "created_at" && sort.descending) return "";
  return t(sort.descending ? "audit.sort.descending" : "audit.sort.ascending", { field: fieldLabel(String(sort.field)) });
}

function conditionWords(node: unknown, names: Names): string {
  const { t } = names;
  if (!isObject(node)) return "";
  for (const join of ["all", "any"] as const) {
    const parts = node[join];
    if (Array.isArray(parts)) return parts.map((part) => partWords(part, names)).join(t(`audit.join.${join}`));
  }
  if ("not" in node) return t("audit.not", { condition: conditionWords(node.not, names) });
  const field = String(node.field);
  if (field === "id") return t("audit.byId");
  if (node.hidden === true) return t("audit.hiddenCondition", { field: names.fieldLabel(field) });
  const values = Array.isArray(node.value) ? node.value : [node.value];
  const words = values.map((value) => valueWords(field, value, names)).join(t("list.separator"));
  const op = `audit.op.${String(node.op)}`;
  return isKey(op) ? t(op, { field: names.fieldLabel(field), value: words }) : pair(names.fieldLabel(field), words, t);
}

/** A condition inside a group; a group of several conditions gets parentheses. */
function partWords(node: unknown, names: Names): string {
  const words = conditionWords(node, names);
  const inner = isObject(node) ? (node.all ?? node.any) : undefined;
  return Array.isArray(inner) && inner.length > 1 ? names.t("audit.group", { condition: words }) : words;
}

function valueWords(field: string, value: unknown, names: Names): string {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (field === "owner_id" || field === "actor_id") return names.userName(text) || shortId(text);
  if (field.endsWith("_id")) return shortId(text);
  const known = `${field}.${text}`;
  return isKey(known) ? names.t(known) : text;
}

function pair(name: string, value: string, t: Translate): string {
  return t("audit.pair", { name, value });
}

function memberName(name: string, t: Translate): string {
  const key = `audit.member.${name}`;
  return isKey(key) ? t(key) : name;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
