/** Invitations as people paste them: addresses alone, or rows of a table with address, name and role. */

import { ROLES } from "./names";

export interface Invited {
  email: string;
  /** The role that the row names; undefined: the one chosen for all. */
  role?: string;
}

export interface Pasted {
  invited: Invited[];
  /** Parts that are neither an address, a name beside one, nor a role. */
  others: string[];
}

/** Tables name roles in either language, whatever the console speaks. */
export const ROLE_NAMES: Readonly<Record<string, readonly string[]>> = {
  owner: ["オーナー", "owner"],
  admin: ["管理者", "administrator"],
  manager: ["マネージャー", "manager"],
  member: ["メンバー", "member"],
  read_only: ["閲覧のみ", "read only"],
};

/** What the columns are called in the first row of a table. */
const HEADERS = /^(e-?mail|e-?mail address(es)?|address|mail|name|full name|role|メール|メールアドレス|アドレス|名前|氏名|お名前|役割|権限|ロール)$/iu;

/** The invitations of `text`. `roleNames` says what roles are called, by their keys. */
export function pastedIn(text: string, roleNames: Readonly<Record<string, readonly string[]>>): Pasted {
  const roles = new Map(ROLES.flatMap((role) => [role, ...(roleNames[role] ?? [])].map((name) => [fold(name), role] as const)));
  const invited = new Map<string, Invited>();
  const others = new Set<string>();
  for (const [place, line] of text.split(/[\r\n;；]+/u).entries()) {
    const cells = line.split(/[\t,、，]/u).map((cell) => cell.trim()).filter((cell) => cell !== "");
    if (place === 0 && cells.length > 1 && cells.every((cell) => HEADERS.test(cell.normalize("NFKC")))) continue;
    const read = cells.map((cell) => ({ cell, emails: emailsOf(cell), role: roles.get(fold(cell)) }));
    const emails = read.flatMap((each) => each.emails);
    const rest = read.filter((each) => each.emails.length === 0);
    const named = rest.filter((each) => each.role !== undefined);
    const role = emails.length === 1 && named.length === 1 ? named[0]?.role : undefined;
    // Beside the one address of a row stands its name, which those invited choose themselves.
    const unread = emails.length === 1 ? rest.filter((each) => each.role === undefined).slice(1) : rest;
    for (const { cell } of emails.length === 1 && named.length > 1 ? [...unread, ...named] : unread) others.add(cell);
    for (const email of emails) if (!invited.has(email)) invited.set(email, role ? { email, role } : { email });
  }
  return { invited: [...invited.values()], others: [...others] };
}

function emailsOf(cell: string): string[] {
  const inside = (/<([^<>]+)>/.exec(cell)?.[1] ?? cell).normalize("NFKC").trim();
  return inside.split(/\s+/).filter((word) => word.includes("@")).map((address) => address.replace(/^mailto:/i, "").toLowerCase());
}

function fold(text: string): string {
  return text.normalize("NFKC").trim().toLowerCase().replace(/[\s_-]+/g, " ");
}
