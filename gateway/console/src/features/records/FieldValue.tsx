/** A field's value as people read it. */

import { Anchor, Badge, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Money } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { Dot, type DotColor } from "@/components/Dot";
import { useUserName } from "@/components/people";
import { isKey, type Translate } from "@/i18n";
import { nationalPhone, postalCode } from "./numbers";
import { recordQuery } from "./api";
import { nameOfRecord } from "./RecordSelect";
import { pathOf, type FieldSpec } from "./specs";
import { isEmpty } from "./values";

const LIFECYCLE_COLORS: Record<string, DotColor> = { lead: "blue", prospect: "yellow", customer: "green", former: "red", other: "gray" };

export function Lifecycle({ value }: { value: string }) {
  const { translate: t } = usePreferences();
  const key = `lifecycle.${value}`;
  return (
<Dot color={LIFECYCLE_COLORS[value] ?? "gray"}>{isKey(key) ? t(key) : value}</Dot>
  );
}

export function FieldValue({ spec, value }: { spec: FieldSpec; value: unknown }): ReactNode {
  const { translate: t, format } = usePreferences();
  const userName = useUserName();
  if (isEmpty(value)) return null;
  switch (spec.type) {
    case "emails":
      return lines(value, "address", t, (address) => (
        <Anchor href={`mailto:${address}`} inherit>
          {address}
        </Anchor>
      ));
    case "phones":
      return lines(value, "number", t, (number) => (
        <Anchor href={`tel:${number}`} inherit className="tabular">
          {nationalPhone(number)}
        </Anchor>
      ));
    case "phone":
      return (
        <Anchor href={`tel:${String(value)}`} inherit className="tabular">
          {nationalPhone(String(value))}
        </Anchor>
      );
    case "email":
      return (
        <Anchor href={`mailto:${String(value)}`} inherit>
          {String(value)}
        </Anchor>
      );
    case "url":
      return (
        <Anchor href={safeUrl(String(value))} target="_blank" rel="noopener noreferrer" inherit>
          {String(value)}
        </Anchor>
      );
    case "postal_code":
      return <span className="tabular">{postalCode(String(value))}</span>;
    case "date":
      return format.day(String(value));
    case "datetime":
      return format.moment(String(value));
    case "boolean":
      return t(value ? "state.yes" : "state.no");
    case "integer":
      return <span className="tabular">{format.number(Number(value))}</span>;
    case "money":
      return <span className="tabular">{format.money(value as Money)}</span>;
    case "lifecycle":
      return <Lifecycle value={String(value)} />;
    case "user":
      return userName(String(value)) ?? null;
    case "link":
      return <RecordLink resource={spec.linkResource} id={String(value)} />;
    case "tags":
      return <Tags values={value as string[]} />;
    case "select":
    case "multi_select":
      return <Options spec={spec} values={Array.isArray(value) ? (value as string[]) : [String(value)]} />;
    case "long_text":
      return <span className="prewrap">{String(value)}</span>;
    default:
      return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
}

function RecordLink({ resource, id }: { resource?: string | null; id: string }) {
  const kind = resource === "company" ? "company" : "contact";
  const record = useQuery({ ...recordQuery(kind, id), staleTime: 60_000 });
  return (
    <Anchor component={Link} to={`/${pathOf(kind)}/${id}`} inherit>
      {record.data ? nameOfRecord(kind, record.data) : id.slice(-8)}
    </Anchor>
  );
}

function Tags({ values }: { values: string[] }) {
  return (
    <Group gap={4}>
      {values.map((tag) => (
        <Badge key={tag} color="gray">
          {tag}
        </Badge>
      ))}
    </Group>
  );
}

function Options({ spec, values }: { spec: FieldSpec; values: string[] }) {
  return (
    <Group gap={4}>
      {values.map((value) => {
        const option = spec.options?.find((each) => each.value === value);
        return (
          <Badge key={value} color={option?.color ?? "gray"} variant={option?.color ? "dot" : "light"}>
            {option?.label || value}
          </Badge>
        );
      })}
    </Group>
  );
}

function lines(value: unknown, member: string, t: Translate, show: (text: string) => ReactNode): ReactNode {
  return (value as Record<string, string>[]).map((item, place) => {
    const kind = `kind.${item.kind}`;
    return (
      <Group gap={6} key={place} wrap="nowrap">
        {show(item[member] ?? "")}
        {isKey(kind) && (
          <Text span size="xs" c="dimmed">
            {t(kind)}
          </Text>
        )}
      </Group>
    );
  });
}

/** Only addresses of the web are links. */
function safeUrl(text: string): string | undefined {
  return /^https?:\/\//i.test(text) ? text : undefined;
}
