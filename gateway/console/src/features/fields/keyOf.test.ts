import { expect, test } from "vitest";
import { keyOf, latinOf } from "./keyOf";

test.each([
  ["ランク", "ranku"],
  ["メールアドレス", "meruadoresu"],
  ["きゃんぺーん", "kyanpen"],
  ["チャット", "chatto"],
  ["マッチ", "matchi"],
  ["ショップ", "shoppu"],
  ["ﾗﾝｸ", "ranku"],
  ["ファックス", "fakkusu"],
  ["ティア", "tia"],
])("kana are written in Latin letters: %s", (kana, latin) => expect(latinOf(kana)).toBe(latin));

test.each([
  ["ランク", [], "ranku"],
  ["Sales Rank", [], "sales_rank"],
  ["ＶＩＰ", [], "vip"],
  ["顧客ランク", [], "field_1"],
  ["会員", ["field_1"], "field_2"],
  ["ランク", ["ranku"], "ranku_2"],
  ["2次ランク", [], "field_1"],
  ["タイプ type", [], "taipu_type"],
  ["type", [], "type_2"],
  ["★", [], "field_1"],
  ["", [], "field_1"],
])("%s with %j taken → %s", (label, taken, key) => expect(keyOf(label, taken)).toBe(key));

test("a key of a long label is one that the API takes", () => {
  for (const label of ["ラ".repeat(100), `${"A".repeat(60)}`, `9${"b".repeat(60)}`]) expect(keyOf(label, [])).toMatch(/^[a-z][a-z0-9_]{0,39}$/);
});
