/** Where a person left a list: kept for each entry of the browser's history, so that going back leads there. */

import type { Resource } from "@/api/types";
import type { ListSearch } from "./search";

export interface Place {
  /** The list that the place is in; another one begins at its top. */
  list: string;
  offset: number;
  active: number;
  isFocused: boolean;
}

interface Entry {
  state: { __TSR_key?: string; __TSR_index: number };
}

/** More entries than anybody goes back. */
const MOST = 50;
const places = new Map<string, Place>();
const last = new Map<Resource, { search: ListSearch; index: number }>();

export function keepPlace(entry: Entry, place: Place): void {
  const key = entry.state.__TSR_key;
  if (key === undefined) return;
  places.delete(key);
  places.set(key, place);
  const [oldest] = places.keys();
  if (places.size > MOST && oldest !== undefined) places.delete(oldest);
}

export function placeIn(entry: Entry, list: string): Place | undefined {
  const place = places.get(entry.state.__TSR_key ?? "");
  return place?.list === list ? place : undefined;
}

/** Remember a list as the one that `resource`'s records are opened from. */
export function keepList(resource: Resource, entry: Entry, search: ListSearch): void {
  last.set(resource, { search, index: entry.state.__TSR_index });
}

/** The way from `entry` to the list that was left last: whether it is the entry before, and what it showed. */
export function wayToList(resource: Resource, entry: Entry): { isBefore: boolean; search: ListSearch } {
  const list = last.get(resource);
  return { isBefore: list !== undefined && list.index === entry.state.__TSR_index - 1, search: list?.search ?? {} };
}
