import { expect, test } from "vitest";
import type { AuditEntry } from "@/api/types";
import { goesOn, isInView, viewOf, VIEWS } from "./views";

function entry(action: string, kind: AuditEntry["kind"], payload: Record<string, unknown> = {}): AuditEntry {
  return { action, kind, payload } as AuditEntry;
}

const LIST = entry("user.list", "access");
const NAMES = entry("contact.search", "access", { query: { q: null, filter: { field: "id", op: "in", value: [] } } });
const SEARCH = entry("contact.search", "access", { query: { q: "田中", filter: null } });
const OPEN = entry("contact.open", "access");
const CHANGE = entry("contact.updated", "change");
const REFUSED = entry("access.refused", "access");
const ERASED = entry("audit.erased", "erasure");
const ALL = [LIST, NAMES, SEARCH, OPEN, CHANGE, REFUSED, ERASED];

test.each([
  ["main", [SEARCH, OPEN, CHANGE, REFUSED, ERASED]],
  ["single", [OPEN, CHANGE, REFUSED, ERASED]],
  ["changes", [CHANGE, ERASED]],
  ["accesses", [SEARCH, OPEN]],
  ["refused", [REFUSED]],
  ["all", ALL],
] as const)("%s shows what it says", (view, shown) => {
  expect(ALL.filter((each) => isInView(each, view))).toEqual(shown);
});

test("a view that is not known is the one that hides the console's own reads", () => {
  expect(viewOf("nonsense")).toBe("main");
  for (const view of VIEWS) expect(viewOf(view)).toBe(view);
});

test("a search for what is rare stops and asks before it goes on", () => {
  expect(goesOn([0, 0, 0])).toBe(true);
  expect(goesOn([0, 0, 0, 0, 0])).toBe(false);
  expect(goesOn([90, 0, 0, 0, 0, 0])).toBe(true);
  expect(goesOn([0, 0, 0, 0, 80])).toBe(true);
  expect(goesOn([80, 80, 80, 80, 80, 0, 0, 0, 0, 0])).toBe(false);
});
