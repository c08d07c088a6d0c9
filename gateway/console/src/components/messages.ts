/** What to tell a person about an error. */

import { fieldErrors, Problem } from "@/api/problem";
import type { Translate } from "@/i18n";

/** A sentence for `error`: the service's own where it sent one, in the reader's language. */
export function messageOf(error: unknown, t: Translate): string {
  if (!(error instanceof Problem)) return t("problem.unexpected");
  if (error.code === "network") return t("problem.network");
  const { limit, detail } = error.document;
  if (error.code === "too_large" && limit) return t("problem.tooLarge", { size: sizeOf(limit) });
  return detail || t(error.isPassing ? "problem.away" : "problem.unexpected");
}

/** What to say where something was only read: no word about saving, and what is wrong with each condition. */
export function readingMessageOf(error: unknown, t: Translate): string {
  if (!(error instanceof Problem) || !error.isPassing) return reasonsOf(error, t);
  if (error.code === "network" || error.code === "too_many_streams") return messageOf(error, t);
  return t(error.status === 429 ? "problem.busy" : "problem.away");
}

/** Like {@link messageOf}, for where no field is at hand to say it at: what is wrong with each, or the whole. */
export function reasonsOf(error: unknown, t: Translate): string {
  const reasons = Object.values(fieldErrors(error));
  return reasons.length > 0 ? [...new Set(reasons)].join("\n") : messageOf(error, t);
}

const MEGABYTE = 1_000_000;

function sizeOf(bytes: number): string {
  return bytes >= MEGABYTE ? `${Math.floor(bytes / MEGABYTE)} MB` : `${Math.floor(bytes / 1_000)} KB`;
}

export function incidentOf(error: unknown): string | undefined {
  return error instanceof Problem ? error.document.incident : undefined;
}
