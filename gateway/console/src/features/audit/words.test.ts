import { expect, test } from "vitest";
import { say, type Key } from "@/i18n";
import { en } from "@/i18n/en";
import { ja } from "@/i18n/ja";
import { ACTIONS, actionName } from "./words";

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
  expect(Object.values(ja).filter((word) => word.includes("エクスポート"))).toEqual([]);
  for (const words of [ja, en]) expect(words["history.by.public"]).toBe(words["actor.public"]);
});
