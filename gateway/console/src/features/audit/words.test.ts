import { expect, test } from "vitest";
import { say, type Key } from "@/i18n";
import { en } from "@/i18n/en";
import { ja } from "@/i18n/ja";
import { ACTIONS, actionName, entryActionName, shownKind } from "./words";

test("every action that is offered has a name of its own in both languages", () => {
  for (const words of [ja, en]) {
    const names = ACTIONS.map((action) => actionName(action, (key: Key, gaps) => say(words, key, gaps)));
    expect(names.filter((name) => /[a-z]\.[a-z]/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  }
});

test("an export and somebody without a session have one word each, wherever they are named", () => {
  expect(ja["audit.verb.export"]).toBe(ja["list.export"]);
  expect(ja["permission.verb.export"]).toBe(ja["list.export"]);
  expect(Object.values(ja).filter((word) => word.includes("書き出"))).toEqual([]);
  for (const words of [ja, en]) expect(words["history.by.public"]).toBe(words["actor.public"]);
});

test("a company is one word in Japanese wherever customers' companies are meant", () => {
  for (const key of ["nav.companies", "companies.title", "resource.company", "imports.resource.company", "permission.group.companies", "field.company_id"] as const)
    expect(ja[key]).toBe("取引先");
});

test("a search without conditions is called the list", () => {
  const t = (key: Key) => say(ja, key);
  const named = (query: Record<string, unknown>) => entryActionName({ action: "contact.search", payload: { query } } as never, (key, gaps) => say(ja, key, gaps));
  expect(t("resource.contact")).toBe("顧客");
  expect(named({ q: null, filter: null, limit: 50 })).toBe("顧客の一覧表示");
  expect(named({ q: "田中", filter: null })).toBe("顧客の検索");
  expect(named({ q: null, hidden: ["q"] })).toBe("顧客の検索");
});

test("signing in is authentication, not access", () => {
  expect(shownKind({ action: "session.signed_in", kind: "access" })).toBe("session");
  expect(shownKind({ action: "sign_in.refused", kind: "access" })).toBe("session");
  expect(shownKind({ action: "contact.open", kind: "access" })).toBe("access");
});
