/** Machine keys proposed from labels: nobody has to know what a key is. */

const LONGEST = 40;
/** The keys that no field may have (libs/fields: RESERVED_KEYS). */
const RESERVED = new Set(
  "id tenant_id version type kind resource custom created_at updated_at deleted_at created_by updated_by owner owner_id all any not and or null true false none constructor prototype proto hasownproperty valueof tostring select from where insert update delete drop table union order group by having limit offset join user".split(" "),
);
/** Hepburn of single kana, in the order of the gojuon rows. */
const ROWS: readonly (readonly [string, string])[] = [
  ["アイウエオ", "a i u e o"],
  ["カキクケコ", "ka ki ku ke ko"],
  ["サシスセソ", "sa shi su se so"],
  ["タチツテト", "ta chi tsu te to"],
  ["ナニヌネノ", "na ni nu ne no"],
  ["ハヒフヘホ", "ha hi fu he ho"],
  ["マミムメモ", "ma mi mu me mo"],
  ["ヤユヨ", "ya yu yo"],
  ["ラリルレロ", "ra ri ru re ro"],
  ["ワヰヱヲン", "wa i e o n"],
  ["ガギグゲゴ", "ga gi gu ge go"],
  ["ザジズゼゾ", "za ji zu ze zo"],
  ["ダヂヅデド", "da ji zu de do"],
  ["バビブベボ", "ba bi bu be bo"],
  ["パピプペポ", "pa pi pu pe po"],
  ["ヴ", "vu"],
];
const KANA = new Map(ROWS.flatMap(([kana, latin]) => latin.split(" ").map((each, place) => [kana.charAt(place), each] as const)));
const SMALL: Readonly<Record<string, string>> = { ァ: "a", ィ: "i", ゥ: "u", ェ: "e", ォ: "o", ャ: "ya", ュ: "yu", ョ: "yo", ヮ: "wa" };

/** `text` with its kana in Latin letters; long vowel marks fall away, everything else stays. */
export function latinOf(text: string): string {
  let latin = "";
  let doubled = false;
  for (const sign of text.normalize("NFKC").replace(/[ぁ-ゖ]/gu, (kana) => String.fromCharCode(kana.charCodeAt(0) + 0x60))) {
    if (sign === "ッ") {
      doubled = true;
      continue;
    }
    const small = SMALL[sign];
    const whole = KANA.get(sign);
    if (small && latin !== "") latin = joined(latin, small);
    else if (whole) latin += doubled ? (whole.startsWith("ch") ? "t" : whole.charAt(0)) + whole : whole;
    else if (sign !== "ー") latin += small ?? sign;
    doubled = false;
  }
  return latin;
}

/** The syllable at the end of `latin`, with a small kana behind it: ki + ya is kya, shi + ya is sha, fu + a is fa. */
function joined(latin: string, small: string): string {
  const stem = latin.slice(0, -1);
  if (!/[aiueo]$/.test(latin)) return latin + small;
  return stem + (/(sh|ch|j)$/.test(stem) ? small.replace("y", "") : small);
}

/** A key for a field that is called `label`, unlike those of `taken`: its name in Latin letters, else field_1. */
export function keyOf(label: string, taken: readonly string[]): string {
  const latin = latinOf(label);
  // A label that is kanji in part would leave a piece that says something else.
  const isWhole = /^[\p{ASCII}\p{Zs}・]*$/u.test(latin);
  const word = isWhole ? latin.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, LONGEST - 3) : "";
  if (word !== "" && !isTaken(word, taken)) return word;
  const stem = word === "" ? "field" : word;
  let number = word === "" ? 1 : 2;
  while (isTaken(`${stem}_${number}`, taken)) number += 1;
  return `${stem}_${number}`;
}

function isTaken(key: string, taken: readonly string[]): boolean {
  return RESERVED.has(key) || taken.includes(key);
}
