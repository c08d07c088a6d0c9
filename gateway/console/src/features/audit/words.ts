/** What actions, resources and actors of the log are called. */

import { isKey, type Translate } from "@/i18n";
import type { AuditEntry } from "@/api/types";

/** Actions that one looks for; the log may hold others as well. */
export const ACTIONS = [
  ...["contact", "company"].flatMap((resource) =>
    ["search", "list", "open", "history", "export", "created", "updated", "deleted", "restored"].map((verb) => `${resource}.${verb}`),
  ),
  "contact.names",
  "user.list",
  "user.open",
  "import.mapping",
  "import.checking",
  "import.checked",
  "import.running",
  "import.done",
  "import.failed",
  "import.errors",
  "import.rejected",
  "field.created",
  "field.updated",
  "field.deleted",
  "user.changed",
  "role.changed",
  "team.changed",
  "invitation.changed",
  "tenant.changed",
  "session.signed_in",
  "session.ended",
  "session.refused",
  "access.refused",
  "event.forged",
  "event.missed",
  "audit.search",
  "audit.proof",
  "audit.export",
  "audit.erased",
  "audit.anchored_anew",
];

export function actionName(action: string, t: Translate): string {
  const whole = `audit.action.${action}`;
  if (isKey(whole)) return t(whole);
  const [resource = "", verb = ""] = action.split(".");
  const resourceKey = `resource.${resource}`;
  const verbKey = `audit.verb.${verb}`;
  if (!isKey(resourceKey) || !isKey(verbKey)) return action;
  return t("audit.actionName", { resource: t(resourceKey), verb: t(verbKey) });
}

/** What an entry's action is called: a search without words or conditions is the list itself. */
export function entryActionName(entry: Pick<AuditEntry, "action" | "payload">, t: Translate): string {
  const [resource = "", verb = ""] = entry.action.split(".");
  const query = entry.payload?.query;
  const isWhole = verb === "search" && typeof query === "object" && query !== null && isUnconditional(query as Record<string, unknown>);
  return actionName(isWhole ? `${resource}.list` : entry.action, t);
}

function isUnconditional({ limit: _limit, cursor: _cursor, sort: _sort, hidden, ...conditions }: Record<string, unknown>): boolean {
  const isHidden = Array.isArray(hidden) && hidden.length > 0;
  return !isHidden && Object.values(conditions).every((each) => each === null || each === undefined || each === "");
}

/** The kind under which an entry is shown: signing in and out is neither a reading nor a change of records. */
export function shownKind({ action, kind }: Pick<AuditEntry, "action" | "kind">): AuditEntry["kind"] | "session" {
  return /^(session|sign_in)\./.test(action) ? "session" : kind;
}

export function resourceName(type: string, t: Translate): string {
  const key = `resource.${type}`;
  return isKey(key) ? t(key) : type;
}

/** Who acted: a user by name, else what acted. */
export function actorName(entry: AuditEntry, userName: (id: string | null) => string | undefined, t: Translate): string {
  if (entry.actor.name) return entry.actor.name;
  const known = userName(entry.actor.user_id);
  if (known) return known;
  const key = `actor.${entry.actor.kind}`;
  return entry.actor.service || (isKey(key) ? t(key) : entry.actor.kind);
}

/** How many records an access showed; undefined where it was not of records. */
export function recordCount(entry: AuditEntry): number | undefined {
  const ids = entry.payload?.ids;
  return Array.isArray(ids) ? ids.length : undefined;
}

/** A day on this device → the moment at which it begins, or the next one does. */
export function momentOf(day: string | undefined, which: "start" | "end"): string | null {
  if (!day) return null;
  const date = new Date(`${day}T00:00:00`);
  if (Number.isNaN(date.getTime())) return null;
  if (which === "end") date.setDate(date.getDate() + 1);
  return date.toISOString();
}
