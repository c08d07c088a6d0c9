/** The options of a select while they are being typed. */

import type { Option } from "@/api/types";

/** Those that can be chosen from: named, and each value once, though others are half typed or begin alike. */
export function choosable(options: readonly Option[]): Option[] {
  const seen = new Set<string>();
  return options.filter(({ value }) => {
    if (value.trim() === "" || seen.has(value)) return false;
    seen.add(value);
    return true;
  });
}

/** Those that somebody wrote something into. */
export function written(options: readonly Option[]): Option[] {
  return options.filter(({ value, label }) => `${value}${label ?? ""}`.trim() !== "");
}

/** `options` with a blank one at `place`. */
export function withBlankAt(options: readonly Option[], place: number): Option[] {
  return [...options.slice(0, place), { value: "", label: "", color: null, archived: false }, ...options.slice(place)];
}
