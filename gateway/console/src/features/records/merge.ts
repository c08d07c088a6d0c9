/** Three versions of a record: before, mine, theirs. What both changed, a person decides. */

import { changedNames, isSame, type Values } from "./values";

export type Side = "mine" | "theirs";

export interface Conflict {
  name: string;
  base: unknown;
  mine: unknown;
  theirs: unknown;
}

export interface Change {
  name: string;
  base: unknown;
  theirs: unknown;
}

export interface Merge {
  /** Changed by both, to different values. */
  conflicts: Conflict[];
  /** Changed by me alone: these are saved whatever is decided. */
  mine: string[];
  /** Changed by others alone: these stay as they are. */
  theirs: Change[];
}

/** Compare the versions in the fields `mineNames` that I could change, and in all others. */
export function mergeOf(base: Values, mine: Values, theirs: Values, mineNames: readonly string[]): Merge {
  const changed = changedNames(base, mine, mineNames);
  const others = changedNames(base, theirs, new Set([...Object.keys(base), ...Object.keys(theirs)]));
  const conflicts = changed
    .filter((name) => others.includes(name) && !isSame(mine[name], theirs[name]))
    .map((name) => ({ name, base: base[name], mine: mine[name], theirs: theirs[name] }));
  return {
    conflicts,
    mine: changed.filter((name) => !others.includes(name)),
    theirs: others.filter((name) => !changed.includes(name)).map((name) => ({ name, base: base[name], theirs: theirs[name] })),
  };
}

/** The names of my values that are still to be saved once every conflict is decided. */
export function toSave(merge: Merge, choices: Record<string, Side>): string[] {
  const chosen = merge.conflicts.filter(({ name }) => choices[name] !== "theirs").map(({ name }) => name);
  return [...merge.mine, ...chosen];
}
