import { expect, test } from "vitest";
import { formatters } from "@/app/dates";
import { nationalPhone, postalCode, postalDigits } from "./numbers";
import { filledFrom } from "./places";
import { mergeOf, toSave } from "./merge";
import { filterOf, isFiltered, readListSearch } from "./search";
import { changedNames, flatten, isSame, nest } from "./values";

const base = { family_name: "田中", department: "営業部", title: "係長", notes: null, "address.city": "港区" };

test("what I alone changed is saved without asking", () => {
  const merge = mergeOf(base, { ...base, department: "総務部" }, { ...base, title: "課長" }, ["department", "title"]);
  expect(merge).toEqual({ conflicts: [], mine: ["department"], theirs: [{ name: "title", base: "係長", theirs: "課長" }] });
  expect(toSave(merge, {})).toEqual(["department"]);
});

test("what both changed is a conflict, and a person decides", () => {
  const merge = mergeOf(base, { ...base, title: "部長", notes: "私" }, { ...base, title: "課長" }, ["title", "notes"]);
  expect(merge.conflicts).toEqual([{ name: "title", base: "係長", mine: "部長", theirs: "課長" }]);
  expect(toSave(merge, { title: "mine" })).toEqual(["notes", "title"]);
  expect(toSave(merge, { title: "theirs" })).toEqual(["notes"]);
});

test("two people who enter the same are of one mind", () => {
  const merge = mergeOf(base, { ...base, title: "課長" }, { ...base, title: "課長" }, ["title"]);
  expect(merge).toEqual({ conflicts: [], mine: [], theirs: [] });
});

test("empty text, null and an empty list are the same nothing", () => {
  expect(isSame("", null)).toBe(true);
  expect(isSame([], undefined)).toBe(true);
  expect(isSame([{ address: "", kind: "work" }], [])).toBe(true);
  expect(isSame({ amount: 1, currency: "JPY" }, { currency: "JPY", amount: 1 })).toBe(true);
  expect(isSame(false, null)).toBe(false);
  expect(isSame(0, null)).toBe(false);
});

test("a record goes flat and comes back nested", () => {
  const flat = flatten({ family_name: "田中", address: { city: "港区" }, custom: { rank: "S" }, emails: [] });
  expect(flat).toEqual({ family_name: "田中", "address.city": "港区", "custom.rank": "S", emails: [] });
  expect(nest({ ...flat, family_name: "" }, ["family_name", "address.city", "custom.rank"])).toEqual({
    family_name: null,
    address: { city: "港区" },
    custom: { rank: "S" },
  });
});

test("only what changed is sent", () => {
  expect(changedNames(base, { ...base, title: "部長", notes: "" }, Object.keys(base))).toEqual(["title"]);
});

test("a list's address keeps what belongs there and nothing else", () => {
  expect(readListSearch({ q: "タナ", owner: "", evil: "x", kana: "た" })).toEqual({ q: "タナ", kana: "た" });
  expect(isFiltered({ sort: "kana" })).toBe(false);
  expect(isFiltered({ kana: "た" })).toBe(true);
});

test("filters become the API's filter language", () => {
  expect(filterOf({}, "address.prefecture")).toBeNull();
  expect(filterOf({ kana: "た", prefecture: "東京都" }, "address.prefecture")).toEqual({
    all: [
      { field: "address.prefecture", op: "eq", value: "東京都" },
      { field: "first_kana", op: "eq", value: "た" },
    ],
  });
});

test("numbers read as Japan writes them", () => {
  expect(nationalPhone("+819012345678")).toBe("090-1234-5678");
  expect(nationalPhone("+81312345678")).toBe("03-1234-5678");
  expect(nationalPhone("+81138249458")).toBe("0138-24-9458");
  expect(nationalPhone("+81463277494")).toBe("0463-27-7494");
  expect(nationalPhone("+81980212345")).toBe("09802-1-2345");
  expect(nationalPhone("+81429012345")).toBe("04-2901-2345");
  expect(nationalPhone("+81120123456")).toBe("0120-123-456");
  expect(nationalPhone("+14155550100")).toBe("+14155550100");
  expect(postalCode("1000001")).toBe("〒100-0001");
});

test("days are shown in the calendar that was chosen", () => {
  expect(formatters("ja", "japanese").day("2026-11-21")).toBe("令和8年11月21日");
  expect(formatters("ja", "gregory").day("2026-11-21")).toBe("2026年11月21日");
  expect(formatters("en", "gregory").day("2026-11-21")).toBe("21 Nov 2026");
  expect(formatters("ja", "gregory").money({ amount: 123456, currency: "JPY" })).toBe("￥123,456");
  expect(formatters("en", "gregory").money({ amount: 1050, currency: "USD" })).toBe("US$10.50");
});

test("a postal code is known in any writing, and not before it is whole", () => {
  expect(postalDigits("〒１００－０００１")).toBe("1000001");
  expect(postalDigits("100-0001")).toBe("1000001");
  expect(postalDigits("100-000")).toBeUndefined();
});

test("a place fills an address without taking what a person wrote", () => {
  const place = { prefecture: "東京都", city: "千代田区", town: "千代田" };
  const filled = { "address.prefecture": "東京都", "address.city": "千代田区" };
  expect(filledFrom(place, "", {}, "address")).toEqual({ ...filled, "address.street": "千代田" });
  expect(filledFrom(place, "丸の内", { "address.street": "丸の内" }, "address")["address.street"]).toBe("千代田");
  expect(filledFrom(place, "丸の内", { "address.street": "丸の内1-1" }, "address")).toEqual(filled);
});
