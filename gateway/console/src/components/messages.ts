/** What to tell a person about an error. */

import { fieldErrors, Problem } from "@/api/problem";
import type { Translate } from "@/i18n";

/** A sentence for `error`: the service's own where it sent one, in the reader's language. */
export function messageOf(error: unknown, t: Translate): string {
  if (!(error instanceof Problem)) return t("problem.unexpected");
  if (error.code === "network") return t("problem.network");
  return error.document.detail || t("problem.unexpected");
}

/** Like {@link messageOf}, for where no field is at hand to say it at: what is wrong with each, or the whole. */
export function reasonsOf(error: unknown, t: Translate): string {
  const reasons = Object.values(fieldErrors(error));
  return reasons.length > 0 ? [...new Set(reasons)].join("\n") : messageOf(error, t);
}

export function incidentOf(error: unknown): string | undefined {
  return error instanceof Problem ? error.document.incident : undefined;
}
