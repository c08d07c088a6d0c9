/** People are named family name first, in both scripts. */

interface Named {
  family_name: string;
  given_name?: string | null;
  family_name_kana?: string | null;
  given_name_kana?: string | null;
}

export function displayName(person: Named): string {
  return [person.family_name, person.given_name].filter(Boolean).join(" ");
}

export function displayKana(person: Named): string {
  return [person.family_name_kana, person.given_name_kana].filter(Boolean).join(" ");
}
