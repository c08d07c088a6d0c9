import { expect, test } from "vitest";
import { positionsAfterMove } from "@/features/fields/order";
import { pastedIn } from "./pasted";

const NAMES = { admin: ["管理者", "Administrator"], member: ["メンバー", "Member"], manager: ["マネージャー"], read_only: ["閲覧のみ", "Read only"] };
const emails = (text: string) => pastedIn(text, NAMES).invited.map((each) => each.email);

test("addresses are found however they were pasted", () => {
  const text = "a@example.jp\n山田 太郎 <B@example.jp>, ｃ@example.jp；a@example.jp\tnobody d@example.jp";
  expect(emails(text)).toEqual(["a@example.jp", "b@example.jp", "c@example.jp", "d@example.jp"]);
});

test("what is no address is told, a name beside one is not", () => {
  const text = "a@example.jp\n佐藤 花子\n 山田 太郎 <b@example.jp>\n\nsuzuki.example.jp, 佐藤 花子";
  expect(pastedIn(text, NAMES)).toEqual({ invited: [{ email: "a@example.jp" }, { email: "b@example.jp" }], others: ["佐藤 花子", "suzuki.example.jp"] });
});

test("a table of Excel says each person's role", () => {
  const text = "メールアドレス\t氏名\t役割\r\nsato@example.jp\t佐藤 花子\t管理者\r\nabe@example.jp\t阿部 一\t\r\nmori@example.jp\t\t閲覧のみ\r\n";
  expect(pastedIn(text, NAMES)).toEqual({
    invited: [{ email: "sato@example.jp", role: "admin" }, { email: "abe@example.jp" }, { email: "mori@example.jp", role: "read_only" }],
    others: [],
  });
  expect(pastedIn("sato@example.jp, Hanako Sato, read_only", NAMES).invited).toEqual([{ email: "sato@example.jp", role: "read_only" }]);
});

test("a role that is none, or two of them, is told and not left out", () => {
  expect(pastedIn("sato@example.jp\t佐藤 花子\t部長", NAMES).others).toEqual(["部長"]);
  expect(pastedIn("sato@example.jp\t佐藤\t管理者\tメンバー", NAMES).others).toEqual(["管理者", "メンバー"]);
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
