/** Records as flat values by dotted name, and the way back to what the API takes. */

export type Values = Record<string, unknown>;

const GROUPS = ["address", "custom"];

/** A record's members by dotted name: `{address: {city}}` → `{"address.city"}`. */
export function flatten(record: object): Values {
  const found: Values = {};
  for (const [name, value] of Object.entries(record)) {
    if (GROUPS.includes(name) && isObject(value)) {
      for (const [inner, each] of Object.entries(value)) found[`${name}.${inner}`] = each;
    } else {
      found[name] = value;
    }
  }
  return found;
}

/** The members of `values` by `names`, nested as the API takes them. */
export function nest(values: Values, names: Iterable<string>): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of names) {
    const dot = name.indexOf(".");
    const group = dot < 0 ? "" : name.slice(0, dot);
    if (GROUPS.includes(group)) {
      const inner = (found[group] ??= {}) as Record<string, unknown>;
      inner[name.slice(dot + 1)] = normal(values[name]);
    } else {
      found[name] = normal(values[name]);
    }
  }
  return found;
}

/** The names among `names` whose values differ. */
export function changedNames(before: Values, after: Values, names: Iterable<string>): string[] {
  return [...names].filter((name) => !isSame(before[name], after[name]));
}

/** Whether two values are one to the API: empty text, null and an empty list are all "nothing". */
export function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** Empty text is null; blank lines of lists are left out. */
export function normal(value: unknown): unknown {
  if (value === "" || value === undefined) return null;
  if (!Array.isArray(value)) return value;
  return value.filter((item) => !isBlankItem(item));
}

function isBlankItem(item: unknown): boolean {
  if (!isObject(item)) return item === "";
  const text = "address" in item ? item.address : "number" in item ? item.number : undefined;
  return typeof text === "string" && text.trim() === "";
}

function canonical(value: unknown): unknown {
  const plain = normal(value);
  if (isEmpty(plain)) return null;
  if (Array.isArray(plain)) return plain.map(canonical);
  if (isObject(plain)) {
    return Object.fromEntries(Object.entries(plain).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return plain;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
