import { expect, test } from "vitest";
import { everyPage, itemsOf, nextCursor } from "./queries";

test("an item that two pages bring is shown once", () => {
  const pages = [
    { items: [{ id: "a" }, { id: "b" }], next_cursor: "1" },
    { items: [{ id: "b" }, { id: "c" }], next_cursor: null },
  ];
  expect(itemsOf(pages, (item) => item.id).map((item) => item.id)).toEqual(["a", "b", "c"]);
});

test("an empty page with a cursor goes on", () => {
  expect(nextCursor({ items: [], next_cursor: "x" })).toBe("x");
  expect(nextCursor({ items: [], next_cursor: null })).toBeUndefined();
  expect(nextCursor({ items: [] })).toBeUndefined();
});

test("every page is asked for until there is no more", async () => {
  const pages: Record<string, { items: number[]; next_cursor: string | null }> = {
    "": { items: [1], next_cursor: "b" },
    b: { items: [], next_cursor: "c" },
    c: { items: [2, 3], next_cursor: null },
  };
  expect(await everyPage(async (cursor) => pages[cursor ?? ""] ?? { items: [] })).toEqual([1, 2, 3]);
});
