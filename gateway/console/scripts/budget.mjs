// Fails when the script that a first visit loads is larger than the budget: the entry, whatever it imports,
// and the first pages, gzipped.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 300_000;
const DIST = new URL("../dist/", import.meta.url);
const FIRST_PAGES = ["src/features/auth/SignInPage.tsx", "src/features/contacts/ContactsPage.tsx", "src/app/Palette.tsx"];

const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", DIST), "utf8"));

/** The files that loading `name` brings with it. */
function filesOf(name, seen) {
  const chunk = manifest[name];
  if (!chunk || seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const next of chunk.imports ?? []) filesOf(next, seen);
  return seen;
}

let isOver = false;
for (const page of FIRST_PAGES) {
  const files = filesOf(page, filesOf("index.html", new Set()));
  const size = [...files]
    .filter((file) => file.endsWith(".js"))
    .reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, DIST))).length, 0);
  isOver ||= size > BUDGET;
  console.log(`${page}: ${Math.round(size / 1000)} kB of ${BUDGET / 1000} kB`);
}
if (isOver) {
  console.error("The first load is over its budget: split it, or load less.");
  process.exit(1);
}
