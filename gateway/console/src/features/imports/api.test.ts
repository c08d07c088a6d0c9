import { expect, test } from "vitest";
import { hidesColumns } from "./api";

const columns = (...indices: number[]) => ({ columns: indices.map((index) => ({ index, name: "", samples: [], suggested_field: null })) });

test("a gap between the columns means that some are hidden from the reader", () => {
  expect(hidesColumns(columns(0, 1, 4))).toBe(true);
  expect(hidesColumns(columns(2, 3, 4))).toBe(false);
  expect(hidesColumns(columns())).toBe(false);
});
