import { expect, test } from "vitest";
import { say, type Translate } from "@/i18n";
import { en } from "@/i18n/en";
import { queryWords } from "./filterWords";

const t: Translate = (key, params) => say(en, key, params);
const names = { t, fieldLabel: (name: string) => name, userName: () => undefined };

test("a group of several conditions inside another has parentheses", () => {
  const filter = {
    all: [
      { field: "rank", op: "eq", value: "A" },
      { any: [{ field: "city", op: "eq", value: "Kyoto" }, { not: { field: "city", op: "eq", value: "Nara" } }] },
      { any: [{ field: "title", op: "eq", value: "CEO" }] },
    ],
  };
  expect(queryWords({ filter }, names)).toBe("rank: A and (city: Kyoto or not (city: Nara)) and title: CEO");
});

test("an order names its field and direction, and a hidden one neither", () => {
  expect(queryWords({ q: null, filter: null, sort: { field: "rank", descending: true } }, names)).toBe("sorted by rank, descending");
  expect(queryWords({ sort: { field: "rank", descending: false } }, names)).toBe("sorted by rank, ascending");
  expect(queryWords({ sort: { hidden: true }, hidden: ["sort"] }, names)).toBe("sorted by a field that you may not read");
  expect(queryWords({ sort: { field: "created_at", descending: true } }, names)).toBe("No condition");
});

test("a hidden condition names its field and no value", () => {
  const filter = { field: "salary", hidden: true };
  expect(queryWords({ filter, hidden: ["q"] }, names)).toBe("words that you may not read, salary: a condition that you may not read");
});
