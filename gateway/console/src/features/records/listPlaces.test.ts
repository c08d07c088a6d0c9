import { expect, test } from "vitest";
import { keepList, keepPlace, placeIn, wayToList } from "./listPlaces";

const entry = (key: string, index: number) => ({ state: { __TSR_key: key, __TSR_index: index } });
const place = { list: "[]", offset: 400, active: 12, isFocused: true };

test("a place is found again at its entry, in the same list", () => {
  keepPlace(entry("a", 1), place);
  expect(placeIn(entry("a", 1), "[]")).toEqual(place);
  expect(placeIn(entry("a", 1), '{"q":"田中"}')).toBeUndefined();
  expect(placeIn(entry("b", 1), "[]")).toBeUndefined();
});

test("only so many places are kept, the oldest go first", () => {
  keepPlace(entry("first", 1), place);
  for (let index = 0; index < 50; index++) keepPlace(entry(`more-${index}`, 1), place);
  expect(placeIn(entry("first", 1), "[]")).toBeUndefined();
  expect(placeIn(entry("more-0", 1), "[]")).toEqual(place);
});

test("the way to the list is back where it is the entry before, and else its address", () => {
  expect(wayToList("company", entry("x", 4))).toEqual({ isBefore: false, search: {} });
  keepList("company", entry("list", 3), { q: "みどり" });
  expect(wayToList("company", entry("x", 4))).toEqual({ isBefore: true, search: { q: "みどり" } });
  expect(wayToList("company", entry("y", 6))).toEqual({ isBefore: false, search: { q: "みどり" } });
});
