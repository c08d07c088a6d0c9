/** What entries are about, by the names that people know. */

import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fieldsQuery, teamsQuery } from "@/api/queries";
import type { AuditEntry } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { useUserName } from "@/components/people";
import { useMay } from "@/components/permissions";
import { useRoleName } from "@/features/people/names";
import type { RecordNames } from "./recordNames";

/** The end of an id: its beginning is a time, and alike for all of one hour. */
export function shortId(id: string): string {
  return `…${id.slice(-8)}`;
}

/** The name of the one thing an entry is about; undefined where there is none, or it is not known. */
export function useThingName(names: RecordNames): (entry: AuditEntry) => string | undefined {
  const userName = useUserName();
  const teamName = useTeamName();
  const fieldName = useFieldName();
  const roleName = useRoleName();
  return ({ resource: { type, id }, payload }) => {
    const said = (member: string) => (typeof payload?.[member] === "string" ? payload[member] : undefined);
    switch (type) {
      case "contact":
        return id ? names.get(id) : undefined;
      case "company":
        return (id && names.get(id)) || said("name");
      case "user":
        return userName(id) || undefined;
      case "session":
        return userName(said("user_id"));
      case "team":
        return said("name") ?? teamName(id);
      case "role":
        return said("role") && roleName(said("role") ?? "");
      case "field":
        return fieldName(id) ?? said("key");
      case "tenant":
        return said("company_name");
      default:
        return undefined;
    }
  };
}

export function useTeamName(): (id: string | null | undefined) => string | undefined {
  const may = useMay();
  const { data: teams } = useQuery({ ...teamsQuery, enabled: may("teams:read") });
  return (id) => teams?.find((team) => team.id === id)?.name;
}

function useFieldName(): (id: string | null) => string | undefined {
  const may = useMay();
  const contacts = useQuery({ ...fieldsQuery("contact"), enabled: may("fields:read") });
  const companies = useQuery({ ...fieldsQuery("company"), enabled: may("fields:read") });
  return (id) => [...(contacts.data ?? []), ...(companies.data ?? [])].find((field) => field.id === id)?.label;
}

const PATHS: Record<string, string> = { contact: "contacts", company: "companies" };

/** A record by its name, else by its short id; a way to it where it has a page. */
export function RecordName({ resource, id, names }: { resource: string; id: string; names: RecordNames }) {
  const { translate: t } = usePreferences();
  const name = names.get(id);
  const text = name ?? shortId(id);
  const path = PATHS[resource];
  if (path) {
    return (
      <Anchor component={Link} to={`/${path}/${id}`} inherit className={name === undefined ? "mono" : undefined} title={name === undefined ? t("audit.nameless") : undefined}>
        {text}
      </Anchor>
    );
  }
  return (
    <Text span inherit className="mono">
      {text}
    </Text>
  );
}
