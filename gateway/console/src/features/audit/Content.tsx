/** What an entry holds, as people read it; as it stands in the log behind a toggle. */

import { Text } from "@mantine/core";
import { useMemo, useState, type ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { fieldsQuery } from "@/api/queries";
import type { AuditEntry, Resource } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { useUserName } from "@/components/people";
import { useMay } from "@/components/permissions";
import { useRoleName } from "@/features/people/names";
import { labelOf } from "@/features/records/specs";
import { isKey, type Translate } from "@/i18n";
import { useFilterWords } from "./filterWords";
import { useRecordNames, type RecordNames } from "./recordNames";
import { RecordName, shortId, useTeamName } from "./things";
import styles from "./audit.module.css";

type Payload = Record<string, unknown>;

/** Said by the entry itself, or nothing that people read. */
const UNSAID = new Set(["type", "action", "resource", "change", "digests", "session_id", "tenant_id", "field_id", "import_id", "invitation_id", "root", "note"]);
const USERS = new Set(["user_id", "owner_id", "successor_id"]);
const RECORDS: Record<string, Resource> = { contact_id: "contact", company_id: "company", record_id: "contact" };

export function Content({ entry, payload, names }: { entry: AuditEntry; payload: Payload; names: RecordNames }) {
  const { translate: t } = usePreferences();
  const value = useValue(entry, names);
  const facts = Object.entries(payload)
    .filter(([member, each]) => !UNSAID.has(member) && each !== entry.resource.id)
    .sort(([one], [other]) => Number(one === "ids") - Number(other === "ids"));
  return (
    <>
      {facts.length > 0 ? (
        <dl className={styles.facts}>
          {facts.map(([member, each]) => (
            <Fact key={member} name={memberName(member, t)} value={value(member, each)} />
          ))}
        </dl>
      ) : (
        <Text size="sm" c="dimmed">
          {t("audit.nothingMore")}
        </Text>
      )}
      <details className={styles.raw}>
        <summary>{t("audit.raw")}</summary>
        <pre className={styles.payload} tabIndex={0}>
          {JSON.stringify({ session_id: entry.actor.session_id, request_id: entry.request_id, payload_digest: entry.payload_digest, payload }, null, 2)}
        </pre>
      </details>
    </>
  );
}

export function Fact({ name, value }: { name: string; value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

function memberName(member: string, t: Translate): string {
  const key = `audit.member.${member}`;
  return isKey(key) ? t(key) : member;
}

/** What a member's value reads as. */
function useValue(entry: AuditEntry, names: RecordNames): (member: string, value: unknown) => ReactNode {
  const { translate: t, format } = usePreferences();
  const userName = useUserName();
  const teamName = useTeamName();
  const roleName = useRoleName();
  const fieldLabel = useFieldLabel(entry.resource.type);
  const queryWords = useFilterWords(entry.resource.type);
  return (member, value) => {
    if (value === null || value === "") return t("state.none");
    if (member === "ids") return <Records resource={entry.resource.type} ids={value as string[]} />;
    if (member === "erased") return t("audit.records", { n: (value as string[]).length });
    if (member === "fields") return (value as string[]).map(fieldLabel).join(t("list.separator"));
    if (member === "permissions") return <Permissions permissions={value as Permission[]} />;
    if (member === "query") return queryWords(value);
    if (["read_roles", "write_roles", "readers_widened_from"].includes(member)) return (value as string[]).map(roleName).join(t("list.separator"));
    if (member === "role") return roleName(String(value));
    if (member === "team_id") return teamName(String(value)) ?? shortId(String(value));
    if (USERS.has(member)) return userName(String(value)) || shortId(String(value));
    const resource = RECORDS[member];
    if (resource) return <RecordName resource={resource} id={String(value)} names={names} />;
    if (typeof value === "boolean") return t(value ? "state.yes" : "state.no");
    if (typeof value === "number" && member !== "status") return format.number(value);
    const key = member === "reason" && entry.kind === "erasure" ? `erasure.reason.${String(value)}` : `audit.value.${member}.${String(value)}`;
    if (isKey(key)) return t(key);
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
}

function useFieldLabel(type: string): (name: string) => string {
  const { translate: t } = usePreferences();
  const may = useMay();
  const resource: Resource = type === "company" ? "company" : "contact";
  const { data: fields } = useQuery({ ...fieldsQuery(resource), enabled: may("fields:read") });
  return (name) => labelOf(name, t, fields ?? []);
}

const SHOWN = 20;
const MORE = 180;

/** Many records: some by name, the others when they are wanted; each step asks for names once. */
function Records({ resource, ids }: { resource: string; ids: string[] }) {
  const { translate: t } = usePreferences();
  const [shown, setShown] = useState(SHOWN);
  const parts = useMemo(() => partsOf(resource, ids.slice(0, shown)), [resource, ids, shown]);
  const names = useRecordNames(parts);
  const userName = useUserName();
  return (
    <>
      {t(resource === "user" ? "audit.people" : "audit.records", { n: ids.length })}
      <ul className={styles.records}>
        {ids.slice(0, shown).map((id) => (
          <li key={id}>{resource === "user" ? userName(id) : <RecordName resource={resource} id={id} names={names} />}</li>
        ))}
      </ul>
      {ids.length > shown && (
        <button type="button" className={styles.more} onClick={() => setShown(shown + MORE)}>
          {t("audit.moreRecords", { n: ids.length - shown })}
        </button>
      )}
    </>
  );
}

/** What is shown at once and what came with each press, so that nothing is asked for twice. */
function partsOf(resource: string, ids: string[]) {
  const parts = [ids.slice(0, SHOWN)];
  for (let place = SHOWN; place < ids.length; place += MORE) parts.push(ids.slice(place, place + MORE));
  return parts.map((part) => ({ contact: resource === "contact" ? part : [], company: resource === "company" ? part : [] }));
}

interface Permission {
  action: string;
  scope: string;
}

function Permissions({ permissions }: { permissions: Permission[] }) {
  const { translate: t } = usePreferences();
  return (
    <ul className={styles.records}>
      {permissions.map(({ action, scope }) => {
        const [group = "", verb = ""] = action.split(":");
        const isScoped = group === "contacts" || group === "companies";
        return (
          <li key={action}>
            {wordOf(`permission.group.${group}`, group, t)} {wordOf(`permission.verb.${verb}`, verb, t)}
            {isScoped && `：${wordOf(`scope.${scope}`, scope, t)}`}
          </li>
        );
      })}
    </ul>
  );
}

function wordOf(key: string, fallback: string, t: Translate): string {
  return isKey(key) ? t(key) : fallback;
}
