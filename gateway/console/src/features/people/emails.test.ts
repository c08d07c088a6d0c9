import { expect, test } from "vitest";
import { positionsAfterMove } from "@/features/fields/order";
import { emailsIn } from "./emails";

test("addresses are found however they were pasted", () => {
  const text = "a@example.jp\n山田 太郎 <B@example.jp>, ｃ@example.jp；a@example.jp\tnobody d@example.jp";
  expect(emailsIn(text).emails).toEqual(["a@example.jp", "b@example.jp", "c@example.jp", "d@example.jp"]);
});

test("what is no address is told, a name beside one is not", () => {
  const text = "a@example.jp\n佐藤 花子\n 山田 太郎 <b@example.jp>\n\nsuzuki.example.jp, 佐藤 花子";
  expect(emailsIn(text)).toEqual({ emails: ["a@example.jp", "b@example.jp"], others: ["佐藤 花子", "suzuki.example.jp"] });
});

test("a field changes places with its neighbour", () => {
  const fields = [{ key: "a", position: 0 }, { key: "b", position: 1 }, { key: "c", position: 2 }];
  expect(positionsAfterMove(fields, 2, -1).map(({ field, position }) => [field.key, position])).toEqual([
    ["c", 1],
    ["b", 2],
  ]);
  expect(positionsAfterMove(fields, 0, -1)).toEqual([]);
});

test("fields that shared a position are told apart", () => {
  const fields = [{ key: "a", position: 0 }, { key: "b", position: 0 }];
  expect(positionsAfterMove(fields, 1, -1)).toHaveLength(1);
});
