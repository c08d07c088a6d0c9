/** Addresses as people paste them: by line, comma or blank, with or without names around them. */

export function emailsIn(text: string): string[] {
  const found = text
    .split(/[\n,;、，；\t]+/u)
    .map((part) => /<([^<>]+)>/.exec(part)?.[1] ?? part)
    .map((part) => part.normalize("NFKC").trim())
    .flatMap((part) => part.split(/\s+/))
    .filter((part) => part.includes("@"));
  return [...new Set(found.map((address) => address.toLowerCase()))];
}
