import { parseSync } from "vite";
import { expect, test } from "vitest";
import { languageOf, say } from ".";
import { en } from "./en";
import { ja } from "./ja";

const sources = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../i18n/**", "!../**/*.test.*", "!../api/schema.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});

test("both catalogues have the same keys", () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(ja).sort());
});

test("no text of either catalogue is empty", () => {
  for (const words of [ja, en]) {
    for (const [key, text] of Object.entries(words)) expect(text.trim(), key).not.toBe("");
  }
});

test("a text has the same gaps in both languages", () => {
  const gaps = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
  for (const key of Object.keys(ja) as (keyof typeof ja)[]) expect(gaps(en[key]), key).toEqual(gaps(ja[key]));
});

test("every key is used", () => {
  const all = Object.values(sources).join("\n");
  // Keys that are put together at run time are used when what they begin with is.
  const built = [...all.matchAll(/`([a-z][\w.]*\.)\$\{/gi)].map((match) => match[1] ?? "");
  const ends = [...all.matchAll(/\$\{path\}(\.[\w.]+)`/g)].map((match) => match[1] ?? "");
  const unused = Object.keys(ja).filter(
    (key) => !all.includes(`"${key}"`) && !built.some((start) => key.startsWith(start)) && !ends.some((end) => key.endsWith(end)),
  );
  expect(unused).toEqual([]);
});

test("no text stands outside the catalogues", () => {
  const found = Object.entries(sources).flatMap(([file, source]) => textsOf(file, source).map((text) => `${file}: ${text}`));
  expect(found).toEqual([]);
});

test("text outside of the catalogues would be found", () => {
  expect(textsOf("a.tsx", "const a = <p>Save</p>;")).toEqual(["Save"]);
  expect(textsOf("a.tsx", 'const a = <input placeholder="Family name" />;')).toEqual(["Family name"]);
  expect(textsOf("a.ts", 'const a = "保存";')).toEqual(["保存"]);
  expect(textsOf("a.ts", "const a = `${n} 件`;")).toHaveLength(1);
  expect(textsOf("a.tsx", 'const a = <p className="truncate">{t("action.save")}</p>;')).toEqual([]);
});

test("a sentence is filled in and counts in its language", () => {
  expect(say(en, "teams.members", { n: 1 })).toBe("1 member");
  expect(say(en, "teams.members", { n: 1200 })).toBe("1,200 members");
  expect(say(ja, "teams.members", { n: 3 })).toBe("3 人");
  expect(say(ja, "record.confirmDelete", { name: "田中 健一" })).toBe("田中 健一 を削除しますか？");
});

/** Data that reads the same in every language. */
const DATA = ["../features/records/japan.ts", "../features/fields/keyOf.ts", "../features/people/pasted.ts"];
const SPOKEN = new Set(["label", "title", "placeholder", "aria-label", "alt", "description", "legend", "text", "lead"]);
// The middle dot stands between words of any language.
const JAPANESE = /[\u3040-\u30fa\u30fc-\u30ff\u4e00-\u9fff]/;
const WORD = /^(?!https?:).*\p{L}{2,}/u;

/** Texts that people would read: in elements, in spoken attributes, and Japanese anywhere. */
function textsOf(file: string, source: string): string[] {
  if (DATA.includes(file)) return [];
  const texts: string[] = [];
  walk(parseSync(file, source).program, (node) => {
    if (node.type === "JSXText" && WORD.test(String(node.value))) texts.push(String(node.value).trim());
    if (node.type === "Literal" && typeof node.value === "string" && JAPANESE.test(node.value)) texts.push(node.value);
    if (node.type === "TemplateElement" && JAPANESE.test((node.value as { raw: string }).raw)) texts.push((node.value as { raw: string }).raw);
    if (node.type === "JSXAttribute") {
      const name = (node.name as Node).name;
      const value = node.value as Node | null;
      if (SPOKEN.has(String(name)) && value?.type === "Literal" && WORD.test(String(value.value))) texts.push(String(value.value));
    }
  });
  return texts;
}

type Node = { type: string } & Record<string, unknown>;

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const each of value) walk(each, visit);
  } else if (typeof value === "object" && value !== null) {
    if ("type" in value && typeof value.type === "string") visit(value as Node);
    for (const each of Object.values(value)) walk(each, visit);
  }
}

test("the language follows the browser, and is English for readers of neither", () => {
  expect(languageOf(["fr-FR", "ja-JP", "en-US"])).toBe("ja");
  expect(languageOf(["en-GB", "ja"])).toBe("en");
  expect(languageOf(["de"])).toBe("en");
});
