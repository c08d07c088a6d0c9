/** Who saw or changed what, when, from where. */

import { Button, Group, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconShieldCheck, IconX } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useState, type ReactNode } from "react";
import { client, take } from "@/api/client";
import { itemsOf, pagesQuery } from "@/api/queries";
import type { AuditEntry } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { Dot, type DotColor } from "@/components/Dot";
import { Page } from "@/components/Page";
import { useUserChoices, useUserName } from "@/components/people";
import { Empty, Failure, LoadingRows } from "@/components/States";
import { RecordList, type Column } from "@/features/records/RecordList";
import { EntryDrawer } from "./EntryDrawer";
import styles from "./audit.module.css";
import { ACTIONS, actionName, actorName, momentOf, recordCount, resourceName } from "./words";

const route = getRouteApi("/inside/audit");
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const KIND_COLORS: Record<AuditEntry["kind"], DotColor> = { change: "blue", access: "gray", erasure: "red" };

interface AuditFilters {
  actor?: string;
  action?: string;
  record?: string;
  from?: string;
  to?: string;
}

export function AuditPage() {
  const { translate: t } = usePreferences();
  const filters: AuditFilters = route.useSearch();
  const [opened, setOpened] = useState<AuditEntry>();
  const columns = useColumns();
  const pages = useInfiniteQuery({
    ...pagesQuery<AuditEntry>(["audit", filters], (cursor, signal) =>
      take(
        client.POST("/v1/audit/entries/search", {
          body: {
            actor_id: filters.actor ?? null,
            action: filters.action ?? null,
            record_id: filters.record && UUID.test(filters.record) ? filters.record : null,
            from: momentOf(filters.from, "start"),
            to: momentOf(filters.to, "end"),
            limit: 100,
            cursor: cursor ?? null,
          },
          signal,
        }),
      ),
    ),
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => itemsOf(pages.data?.pages, (entry) => entry.id), [pages.data]);
  const { fetchNextPage } = pages;
  const onMore = useCallback(() => void fetchNextPage(), [fetchNextPage]);

  function content(): ReactNode {
    if (pages.isPending) return <LoadingRows />;
    if (pages.isError && rows.length === 0) return <Failure error={pages.error} onRetry={() => void pages.refetch()} />;
    if (rows.length === 0) return <Empty title={t("audit.emptyTitle")} text={t("audit.emptyText")} icon={IconShieldCheck} />;
    return (
      <RecordList
        label={t("audit.title")}
        rows={rows}
        columns={columns}
        compact={(entry) => <Compact entry={entry} />}
        idOf={(entry) => entry.id}
        onOpen={setOpened}
        hasMore={pages.hasNextPage && !pages.isFetchNextPageError}
        isLoadingMore={pages.isFetchingNextPage}
        onMore={onMore}
        resetKey={JSON.stringify(filters)}
        footer={pages.isFetchNextPageError ? <Failure error={pages.error} onRetry={onMore} /> : t(pages.hasNextPage ? "list.loaded" : "list.end", { n: rows.length })}
      />
    );
  }

  return (
    <Page title={t("audit.title")} fills>
      <Text c="dimmed" size="sm" className={styles.lead}>
        {t("audit.lead")}
      </Text>
      <Filters filters={filters} />
      {content()}
      {opened && <EntryDrawer entry={opened} onClose={() => setOpened(undefined)} />}
    </Page>
  );
}

function Filters({ filters }: { filters: AuditFilters }) {
  const { translate: t } = usePreferences();
  const navigate = useNavigate({ from: "/audit" });
  const users = useUserChoices("all");
  const [record, setRecord] = useState(filters.record ?? "");
  const set = (change: Partial<AuditFilters>) =>
    void navigate({ search: (now) => withoutEmpty({ ...now, ...change }), replace: true });
  const tellRecord = useDebouncedCallback((text: string) => set({ record: UUID.test(text) ? text : "" }), 250);
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <div className={styles.filters}>
      <Select
        size="xs"
        w={160}
        aria-label={t("audit.actor")}
        placeholder={t("audit.actor")}
        {...users}
        value={filters.actor ?? null}
        onChange={(actor) => set({ actor: actor ?? "" })}
        searchable
        clearable
      />
      <Select
        size="xs"
        w={170}
        aria-label={t("audit.action")}
        placeholder={t("audit.action")}
        data={ACTIONS.map((value) => ({ value, label: actionName(value, t) }))}
        value={filters.action ?? null}
        onChange={(action) => set({ action: action ?? "" })}
        searchable
        clearable
        comboboxProps={{ width: "max-content", position: "bottom-start" }}
      />
      <TextInput
        size="xs"
        w={200}
        aria-label={t("audit.record")}
        placeholder={t("audit.record")}
        value={record}
        onChange={(event) => {
          setRecord(event.currentTarget.value);
          tellRecord(event.currentTarget.value.trim());
        }}
        error={record !== "" && !UUID.test(record.trim())}
      />
      <Group gap={4} wrap="nowrap">
        <TextInput size="xs" type="date" aria-label={t("audit.from")} value={filters.from ?? ""} onChange={(event) => set({ from: event.currentTarget.value })} />
        <Text size="xs" c="dimmed" aria-hidden>
          –
        </Text>
        <TextInput size="xs" type="date" aria-label={t("audit.to")} value={filters.to ?? ""} onChange={(event) => set({ to: event.currentTarget.value })} />
      </Group>
      {isFiltered && (
        <Button
          variant="subtle"
          color="gray"
          leftSection={<IconX size={13} />}
          onClick={() => {
            setRecord("");
            set({ actor: "", action: "", record: "", from: "", to: "" });
          }}
        >
          {t("audit.clear")}
        </Button>
      )}
    </div>
  );
}

function useColumns(): Column<AuditEntry>[] {
  const { translate: t, format } = usePreferences();
  const userName = useUserName();
  return [
    { key: "time", label: t("audit.time"), width: "168px", show: (entry) => <span className="tabular">{format.moment(entry.time)}</span> },
    { key: "actor", label: t("audit.actor"), width: "minmax(120px, 1fr)", show: (entry) => actorName(entry, userName, t) },
    {
      key: "kind",
      label: t("audit.kind"),
      width: "92px",
      show: (entry) => (
<Dot color={KIND_COLORS[entry.kind]}>{t(`audit.kind.${entry.kind}`)}</Dot>
      ),
    },
    { key: "action", label: t("audit.action"), width: "minmax(150px, 1.2fr)", show: (entry) => actionName(entry.action, t) },
    { key: "what", label: t("audit.what"), width: "minmax(170px, 1.4fr)", show: (entry) => <Target entry={entry} /> },
    { key: "address", label: t("audit.address"), width: "132px", show: (entry) => <span className="tabular">{entry.address}</span> },
    { key: "number", label: t("audit.number"), width: "84px", show: (entry) => <span className="tabular">{entry.sequence}</span> },
  ];
}

function Target({ entry }: { entry: AuditEntry }) {
  const { translate: t } = usePreferences();
  const count = recordCount(entry);
  return (
    <>
      {resourceName(entry.resource.type, t)}
      <Text span size="xs" c="dimmed" ml={8} className={entry.resource.id ? "mono" : undefined}>
        {entry.resource.id ? entry.resource.id.slice(-12) : count === undefined ? "" : t("audit.records", { n: count })}
      </Text>
    </>
  );
}

function Compact({ entry }: { entry: AuditEntry }) {
  const { translate: t, format } = usePreferences();
  const userName = useUserName();
  return (
    <>
      <Text size="sm" fw={500} className="truncate">
        {actorName(entry, userName, t)} ・ {actionName(entry.action, t)}
      </Text>
      <Text size="xs" c="dimmed" className="truncate tabular">
        {format.moment(entry.time)} ・ {entry.address}
      </Text>
    </>
  );
}

function withoutEmpty(search: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(search).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}
