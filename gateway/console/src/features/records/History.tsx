/** What happened to a record: who, when, and each value before and after. */

import { Badge, Button, Group, Table, Text, Timeline } from "@mantine/core";
import { IconFileImport, IconPencil, IconPlus, IconRestore, IconTrash, IconUserShare } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { itemsOf } from "@/api/queries";
import type { HistoryEntry, Resource } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { useUserName } from "@/components/people";
import { Empty, Failure, Loading } from "@/components/States";
import { isKey } from "@/i18n";
import { historyQuery } from "./api";
import { FieldValue } from "./FieldValue";
import styles from "./History.module.css";
import { labelOf, type FieldSpec, type SectionSpec } from "./specs";
import { isEmpty } from "./values";

const ICONS = { created: IconPlus, updated: IconPencil, deleted: IconTrash, restored: IconRestore, handed_over: IconUserShare };

export function History({ resource, id, sections }: { resource: Resource; id: string; sections: SectionSpec[] }) {
  const { translate: t } = usePreferences();
  const history = useInfiniteQuery(historyQuery(resource, id));
  if (history.isPending) return <Loading />;
  if (history.isError) return <Failure error={history.error} onRetry={() => void history.refetch()} />;
  const entries = itemsOf(history.data.pages, (entry) => String(entry.version));
  if (entries.length === 0) return <Empty title={t("history.empty")} />;
  return (
    <>
      <Timeline bulletSize={24} lineWidth={1} mt="md" classNames={{ itemBullet: styles.bullet }}>
        {entries.map((entry) => {
          const Shown = entry.cause_id ? IconFileImport : ICONS[entry.kind];
          return (
            <Timeline.Item key={entry.version} bullet={<Shown size={13} />}>
              <Entry entry={entry} sections={sections} />
            </Timeline.Item>
          );
        })}
      </Timeline>
      {history.hasNextPage && (
        <Group justify="center" mt="sm">
          <Button variant="default" loading={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
            {t("action.more")}
          </Button>
        </Group>
      )}
    </>
  );
}

function Entry({ entry, sections }: { entry: HistoryEntry; sections: SectionSpec[] }) {
  const { translate: t, format } = usePreferences();
  const userName = useUserName();
  const byKey = `history.by.${entry.actor_kind}`;
  const who = userName(entry.actor_id) ?? (isKey(byKey) ? t(byKey) : "");
  const changes = Object.entries(entry.changes);
  return (
    <div>
      <Text size="sm">
        <Text span fw={600} inherit>
          {who}
        </Text>{" "}
        {t(`history.${entry.kind}`)}
        {entry.cause_id && (
          <Badge ml={8} color="gray">
            {t("history.import")}
          </Badge>
        )}
        <Text span c="dimmed" size="xs" ml={10} className="tabular">
          {format.moment(entry.at)} ・ {t("history.version", { n: entry.version })}
        </Text>
      </Text>
      {changes.length > 0 && (
        <Table className={styles.changes} verticalSpacing={4} horizontalSpacing="sm" fz="sm" layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="26%">{t("history.field")}</Table.Th>
              {entry.kind !== "created" && <Table.Th>{t("history.before")}</Table.Th>}
              <Table.Th>{t("history.after")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {changes.map(([name, [before, after]]) => (
              <Table.Tr key={name}>
                <Table.Td c="dimmed">{specFor(name, sections)?.label ?? labelOf(name, t, [])}</Table.Td>
                {entry.kind !== "created" && (
                  <Table.Td className={styles.before}>
                    <Value name={name} value={before} sections={sections} />
                  </Table.Td>
                )}
                <Table.Td>
                  <Value name={name} value={after} sections={sections} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </div>
  );
}

function Value({ name, value, sections }: { name: string; value: unknown; sections: SectionSpec[] }) {
  const { translate: t } = usePreferences();
  if (isEmpty(value)) return <Text c="dimmed" size="sm">{t("history.nothing")}</Text>;
  const spec = specFor(name, sections) ?? implied(name, value);
  return <FieldValue spec={spec} value={value} />;
}

export function specFor(name: string, sections: SectionSpec[]): FieldSpec | undefined {
  for (const section of sections) {
    const found = section.fields.find((field) => field.name === name);
    if (found) return found;
  }
  return undefined;
}

/** For a field that no form has, or has no more. */
function implied(name: string, value: unknown): FieldSpec {
  const type = name.endsWith("_at") ? "datetime" : Array.isArray(value) && typeof value[0] === "string" ? "tags" : "text";
  return { name, label: name, type };
}
