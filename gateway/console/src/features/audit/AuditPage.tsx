/** Who saw or changed what, when, from where. */

import { Button, Group, Select, Text, TextInput } from "@mantine/core";
import { IconEraser, IconShieldCheck, IconX } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useState, type ReactNode } from "react";
import { client, take } from "@/api/client";
import { itemsOf, pagesQuery } from "@/api/queries";
import type { AuditEntry } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { Dot, type DotColor } from "@/components/Dot";
import { Page } from "@/components/Page";
import { useMay } from "@/components/permissions";
import { useUserChoices, useUserName } from "@/components/people";
import { Empty, Failure, LoadingRows } from "@/components/States";
import { RecordList, type Column } from "@/features/records/RecordList";
import { EntryDrawer } from "./EntryDrawer";
import { ErasureDialog } from "./ErasureDialog";
import { LogState } from "./LogState";
import { isRecordId, RecordPicker } from "./RecordPicker";
import { useRecordNames, wantedBy, type RecordNames } from "./recordNames";
import { shortId, useThingName } from "./things";
import { goesOn, isInView, viewOf, VIEWS } from "./views";
import styles from "./audit.module.css";
import { ACTIONS, actionName, actorName, entryActionName, momentOf, recordCount, resourceName, shownKind } from "./words";

const route = getRouteApi("/inside/audit");
const PAGE = 200;
const KIND_COLORS: Record<AuditEntry["kind"], DotColor> = { change: "blue", access: "gray", erasure: "red" };

interface AuditFilters {
  show?: string;
  actor?: string;
  action?: string;
  record?: string;
  from?: string;
  to?: string;
}

export function AuditPage() {
  const { translate: t } = usePreferences();
  const may = useMay();
  const filters: AuditFilters = route.useSearch();
  const [opened, setOpened] = useState<AuditEntry>();
  const [isErasing, setErasing] = useState(false);
  const { pages, rows, shownOf } = useEntries(filters);
  const names = useRecordNames(useMemo(() => (pages.data?.pages ?? []).map((page) => wantedBy(page.items)), [pages.data]));
  const columns = useColumns(names);
  const { fetchNextPage } = pages;
  const onMore = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const isPaused = pages.hasNextPage && !goesOn(shownOf);

  function footer(): ReactNode {
    if (pages.isFetchNextPageError) return <Failure error={pages.error} onRetry={onMore} />;
    if (!isPaused) return t(pages.hasNextPage ? "list.loaded" : "list.end", { n: rows.length });
    return (
      <Group gap={12}>
        {t("audit.paused", { n: shownOf.length * PAGE })}
        <Button variant="default" onClick={onMore}>
          {t("audit.goOn")}
        </Button>
      </Group>
    );
  }

  function content(): ReactNode {
    if (pages.isPending) return <LoadingRows />;
    if (pages.isError && rows.length === 0) return <Failure error={pages.error} onRetry={() => void pages.refetch()} />;
    if (rows.length === 0 && !pages.hasNextPage) return <Empty title={t("audit.emptyTitle")} text={t("audit.emptyText")} icon={IconShieldCheck} />;
    return (
      <RecordList
        label={t("audit.title")}
        rows={rows}
        columns={columns}
        compact={(entry) => <Compact entry={entry} names={names} />}
        idOf={(entry) => entry.id}
        onOpen={setOpened}
        hasMore={pages.hasNextPage && !pages.isFetchNextPageError && !isPaused}
        isLoadingMore={pages.isFetchingNextPage}
        onMore={onMore}
        resetKey={JSON.stringify(filters)}
        footer={footer()}
      />
    );
  }

  const actions = (
    <>
      <Button variant="default" component={Link} to="/audit/erasures">
        {t("erasure.register")}
      </Button>
      {may("audit:erase") && (
        <Button variant="default" leftSection={<IconEraser size={15} />} onClick={() => setErasing(true)} visibleFrom="sm">
          {t("erasure.begin")}
        </Button>
      )}
    </>
  );
  return (
    <Page title={t("audit.title")} actions={actions} fills>
      <Text c="dimmed" size="sm" className={styles.lead}>
        {t("audit.lead")}
      </Text>
      <LogState />
      <Filters filters={filters} />
      {content()}
      {opened && <EntryDrawer entry={opened} names={names} onClose={() => setOpened(undefined)} />}
      {isErasing && <ErasureDialog onClose={() => setErasing(false)} />}
    </Page>
  );
}

/** The entries that the filters let through; `shownOf` says how many each page gave. */
function useEntries(filters: AuditFilters) {
  const { show, ...asked } = filters;
  // Who asks for one action wants to see it, whatever the view hides.
  const view = asked.action ? "all" : viewOf(show);
  const pages = useInfiniteQuery({
    ...pagesQuery<AuditEntry>(["audit", asked], (cursor, signal) =>
      take(
        client.POST("/v1/audit/entries/search", {
          body: {
            actor_id: asked.actor ?? null,
            action: asked.action ?? null,
            record_id: isRecordId(asked.record) ? asked.record : null,
            from: momentOf(asked.from, "start"),
            to: momentOf(asked.to, "end"),
            limit: PAGE,
            cursor: cursor ?? null,
          },
          signal,
        }),
      ),
    ),
    placeholderData: keepPreviousData,
  });
  const shownOf = useMemo(() => (pages.data?.pages ?? []).map((page) => page.items.filter((entry) => isInView(entry, view)).length), [pages.data, view]);
  const rows = useMemo(() => itemsOf(pages.data?.pages, (entry) => entry.id).filter((entry) => isInView(entry, view)), [pages.data, view]);
  return { pages, rows, shownOf };
}

function Filters({ filters }: { filters: AuditFilters }) {
  const { translate: t } = usePreferences();
  const navigate = useNavigate({ from: "/audit" });
  const users = useUserChoices("all");
  const set = (change: Partial<AuditFilters>) =>
    void navigate({ search: (now) => withoutEmpty({ ...now, ...change }), replace: true });
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <div className={styles.filters}>
      <Select
        size="xs"
        w={200}
        aria-label={t("audit.show")}
        data={VIEWS.map((value) => ({ value, label: t(`audit.show.${value}`) }))}
        value={filters.action ? "all" : viewOf(filters.show)}
        onChange={(show) => set({ show: show === "main" ? "" : (show ?? "") })}
        disabled={filters.action !== undefined}
        allowDeselect={false}
        comboboxProps={{ width: "max-content", position: "bottom-start" }}
      />
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
      <RecordPicker
        size="xs"
        w={200}
        aria-label={t("audit.record")}
        placeholder={t("audit.record")}
        resources={["contact", "company"]}
        value={isRecordId(filters.record) ? filters.record : null}
        onChange={(picked) => set({ record: picked?.id ?? "" })}
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
          onClick={() => set({ show: "", actor: "", action: "", record: "", from: "", to: "" })}
        >
          {t("audit.clear")}
        </Button>
      )}
    </div>
  );
}

function useColumns(names: RecordNames): Column<AuditEntry>[] {
  const { translate: t, format } = usePreferences();
  const userName = useUserName();
  return [
    { key: "time", label: t("audit.time"), width: "168px", show: (entry) => <span className="tabular">{format.moment(entry.time)}</span> },
    { key: "actor", label: t("audit.actor"), width: "minmax(120px, 1fr)", show: (entry) => actorName(entry, userName, t) },
    {
      key: "kind",
      label: t("audit.kind"),
      width: "92px",
      show: (entry) => <Dot color={KIND_COLORS[entry.kind]}>{t(`audit.kind.${shownKind(entry)}`)}</Dot>,
    },
    { key: "action", label: t("audit.action"), width: "minmax(150px, 1.2fr)", show: (entry) => entryActionName(entry, t) },
    { key: "what", label: t("audit.what"), width: "minmax(170px, 1.4fr)", show: (entry) => <Target entry={entry} names={names} /> },
    { key: "address", label: t("audit.address"), width: "132px", show: (entry) => <span className="tabular">{entry.address}</span> },
    { key: "number", label: t("audit.number"), width: "84px", show: (entry) => <span className="tabular">{entry.sequence}</span> },
  ];
}

function Target({ entry, names }: { entry: AuditEntry; names: RecordNames }) {
  const { translate: t } = usePreferences();
  const name = useThingName(names)(entry);
  const count = recordCount(entry);
  const { id, type } = entry.resource;
  const isNameless = name === undefined && id !== null;
  return (
    <>
      {name ?? resourceName(type, t)}
      <Text span size="xs" c="dimmed" ml={8} className={isNameless ? "mono" : undefined}>
        {name !== undefined ? resourceName(type, t) : id ? shortId(id) : count === undefined ? "" : t("audit.records", { n: count })}
      </Text>
    </>
  );
}

function Compact({ entry, names }: { entry: AuditEntry; names: RecordNames }) {
  const { translate: t, format } = usePreferences();
  const userName = useUserName();
  const name = useThingName(names)(entry);
  return (
    <>
      <Text size="sm" fw={500} className="truncate">
        {[entryActionName(entry, t), name].filter(Boolean).join(" ・ ")}
      </Text>
      <Text size="xs" c="dimmed" className="truncate tabular">
        {[actorName(entry, userName, t), format.moment(entry.time), entry.address].filter(Boolean).join(" ・ ")}
      </Text>
    </>
  );
}

function withoutEmpty(search: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(search).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}
