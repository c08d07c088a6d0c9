/** What a list shows, kept in its address: words, filters, order. */

export interface ListSearch {
  q?: string;
  kana?: string;
  lifecycle?: string;
  prefecture?: string;
  owner?: string;
  sort?: string;
}

const NAMES = ["q", "kana", "lifecycle", "prefecture", "owner", "sort"] as const;

/** The search part of an address; what does not belong there is dropped. */
export function readListSearch(search: Record<string, unknown>): ListSearch {
  const found: ListSearch = {};
  for (const name of NAMES) {
    const value = search[name];
    if ((typeof value === "string" || typeof value === "number") && value !== "") found[name] = String(value);
  }
  return found;
}

interface Condition {
  field: string;
  op: string;
  value: unknown;
}

/** The filter of the API's filter language; null when nothing is filtered. */
export function filterOf(search: ListSearch, prefectureField: string): Record<string, unknown> | null {
  const conditions: Condition[] = [];
  if (search.lifecycle) conditions.push({ field: "lifecycle", op: "eq", value: search.lifecycle });
  if (search.prefecture) conditions.push({ field: prefectureField, op: "eq", value: search.prefecture });
  if (search.owner) conditions.push({ field: "owner_id", op: "eq", value: search.owner });
  if (search.kana) conditions.push({ field: "first_kana", op: "eq", value: search.kana });
  return conditions.length === 0 ? null : { all: conditions };
}

export function isFiltered(search: ListSearch): boolean {
  return NAMES.some((name) => name !== "sort" && search[name] !== undefined);
}
