/** Addresses as people paste them: by line, comma or blank, with or without names around them. */

export interface Pasted {
  emails: string[];
  /** Parts in which no address was found. */
  others: string[];
}

export function emailsIn(text: string): Pasted {
  const emails = new Set<string>();
  const others = new Set<string>();
  for (const part of text.split(/[\n,;、，；\t]+/u)) {
    const inside = (/<([^<>]+)>/.exec(part)?.[1] ?? part).normalize("NFKC").trim();
    const found = inside.split(/\s+/).filter((word) => word.includes("@"));
    for (const address of found) emails.add(address.toLowerCase());
    if (found.length === 0 && part.trim() !== "") others.add(part.trim());
  }
  return { emails: [...emails], others: [...others] };
}
