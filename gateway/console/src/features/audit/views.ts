/** What of the log is shown: people look for what people did, and the console itself reads a good deal. */

import type { AuditEntry } from "@/api/types";

export const VIEWS = ["main", "single", "changes", "accesses", "refused", "all"] as const;
export type View = (typeof VIEWS)[number];

/** Reads that nobody asked for: the console shows names and choices with them. */
const BACKGROUND = new Set(["user.list", "contact.names", "audit.search"]);
const MANY = new Set(["list", "search"]);

export function viewOf(text: string | undefined): View {
  return VIEWS.find((view) => view === text) ?? "main";
}

export function isInView(entry: AuditEntry, view: View): boolean {
  switch (view) {
    case "all":
      return true;
    case "changes":
      return entry.kind !== "access";
    case "accesses":
      return entry.kind === "access" && !isRefusal(entry) && !isBackground(entry);
    case "refused":
      return isRefusal(entry);
    case "single":
      return !isBackground(entry) && !MANY.has(entry.action.split(".")[1] ?? "");
    case "main":
      return !isBackground(entry);
  }
}

function isRefusal(entry: AuditEntry): boolean {
  return entry.action.endsWith(".refused");
}

function isBackground(entry: AuditEntry): boolean {
  return BACKGROUND.has(entry.action) || isLookingUpNames(entry);
}

/** This page's own search for the names of what it shows: see `recordNames`. */
function isLookingUpNames(entry: AuditEntry): boolean {
  const query = entry.payload?.query;
  if (typeof query !== "object" || query === null || !("filter" in query)) return false;
  const { filter } = query;
  return typeof filter === "object" && filter !== null && "field" in filter && filter.field === "id";
}

const BARREN = 5;
const FEW = 3;

/** Whether the search goes on by itself: not where the last pages had next to nothing of what is wanted. */
export function goesOn(pages: readonly number[]): boolean {
  const last = pages.slice(-BARREN);
  return pages.length % BARREN !== 0 || last.some((shown) => shown >= FEW);
}
