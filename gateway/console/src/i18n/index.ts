/** The two catalogues and what speaks from them. Japanese is at hand; English is fetched when it is wanted. */

import { ja, type Catalogue, type Key } from "./ja";

export type Language = "ja" | "en";
export type { Key, Catalogue };
export type Params = Record<string, string | number>;
export type Translate = (key: Key, params?: Params) => string;

const STORED = "daicho.language";
let language: Language = readLanguage();
let catalogue: Catalogue = ja;

/** The language in which the API is asked to answer. */
export function currentLanguage(): Language {
  return language;
}

/** Make `wanted` the language of the console. Resolves when its words are there. */
export async function speak(wanted: Language): Promise<Translate> {
  const words = wanted === "ja" ? ja : (await import("./en")).en;
  language = wanted;
  catalogue = words;
  document.documentElement.lang = wanted;
  // A function of its own for each language: who holds it sees that it changed.
  return (key, params) => say(words, key, params);
}

/** For what stands outside of React, such as problems without words of their own. */
export const t: Translate = (key, params) => say(catalogue, key, params);

/** The sentence of `key`. `one|many` chooses by `n`; `{name}` is filled from `params`. */
export function say(words: Catalogue, key: Key, params?: Params): string {
  const forms = words[key].split("|");
  const text = forms.length > 1 && params?.n !== 1 ? forms[1] : forms[0];
  return (text ?? key).replace(/\{(\w+)\}/g, (gap, name: string) => {
    const value = params?.[name];
    if (value === undefined) return gap;
    return typeof value === "number" ? value.toLocaleString("ja-JP") : value;
  });
}

/** Whether the catalogues know `key`: for names that come from the API. */
export function isKey(key: string): key is Key {
  return key in ja;
}

/** What the user chose on this device, else what the browser asks for. */
function readLanguage(): Language {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {
    // Storage is closed to us: nothing was chosen.
  }
  return stored === "ja" || stored === "en" ? stored : languageOf(globalThis.navigator?.languages ?? ["ja"]);
}

/** The first of `wanted` (BCP 47 tags) that the console speaks; English for readers of neither. */
export function languageOf(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const [language] = tag.toLowerCase().split("-");
    if (language === "ja" || language === "en") return language;
  }
  return "en";
}

/** Remember `wanted` as the user's choice on this device. */
export function keepLanguage(wanted: Language): void {
  try {
    localStorage.setItem(STORED, wanted);
  } catch {
    // Storage is closed to us: the choice lasts as long as the page.
  }
}
