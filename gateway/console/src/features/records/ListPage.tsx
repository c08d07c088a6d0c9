/** The page of a list of records: what contacts and companies share. */

import { Button, Text } from "@mantine/core";
import { IconFileImport, IconPlus, IconSearchOff, type Icon } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, type ReactNode } from "react";
import { fieldsQuery, itemsOf, pagesQuery } from "@/api/queries";
import type { Page as PageOf, Resource, SearchRequest } from "@/api/types";
import { useT } from "@/app/preferences";
import { Page } from "@/components/Page";
import { useMay } from "@/components/permissions";
import { Empty, Failure, LoadingRows } from "@/components/States";
import { ExportMenu } from "./ExportMenu";
import { FieldValue } from "./FieldValue";
import { ColumnMenu, ListToolbar } from "./ListToolbar";
import { keepList } from "./listPlaces";
import { RecordList, type Column } from "./RecordList";
import { filterOf, isFiltered, type ListSearch } from "./search";
import { pathOf, specOf } from "./specs";
import { useShownColumns } from "./useColumns";

interface Row {
  id: string;
  custom: Record<string, unknown>;
}

interface ListPageProps<T extends Row> {
  resource: Resource;
  icon: Icon;
  columns: Column<T>[];
  /** The key of the column that is always there. */
  leadColumn: string;
  initial: readonly string[];
  compact: (row: T) => ReactNode;
  ask: (body: SearchRequest, signal: AbortSignal) => Promise<PageOf<T>>;
  search: ListSearch;
  onSearch: (change: Partial<ListSearch>) => void;
  onOpen: (row: T) => void;
  filters: readonly ("lifecycle" | "prefecture" | "owner")[];
  prefectureField: string;
  kana?: boolean;
  sorts: readonly { value: string; label: string }[];
}

const PAGE = 200;

export function ListPage<T extends Row>(props: ListPageProps<T>) {
  const { resource, search, ask, prefectureField, sorts } = props;
  const t = useT();
  const may = useMay();
  const path = pathOf(resource);
  const sort = search.sort ?? sorts[0]?.value ?? null;
  const resetKey = JSON.stringify(search);
  const { history } = useRouter();
  useEffect(() => keepList(resource, history.location, search), [resource, history, search]);
  const pages = useInfiniteQuery({
    ...pagesQuery<T>([path, "list", search], (cursor, signal) =>
      ask({ q: search.q ?? null, filter: filterOf(search, prefectureField), sort, limit: PAGE, cursor: cursor ?? null }, signal),
    ),
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => itemsOf(pages.data?.pages, (row) => row.id), [pages.data]);
  const { fetchNextPage } = pages;
  const onMore = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const { columns, menu } = useListColumns(props);

  const create = may(`${path}:create`) && (
    <Button component={Link} to={`/${path}/new`} leftSection={<IconPlus size={15} />}>
      {t(`${path}.new`)}
    </Button>
  );
  const toImport = may(`${path}:import`) && (
    <Button component={Link} to={`/imports?resource=${resource}`} variant="default" visibleFrom="sm" leftSection={<IconFileImport size={15} />}>
      {t("list.import")}
    </Button>
  );

  function content(): ReactNode {
    if (pages.isPending) return <LoadingRows />;
    if (pages.isError && rows.length === 0) return <Failure error={pages.error} onRetry={() => void pages.refetch()} />;
    if (rows.length === 0 && !pages.hasNextPage) {
      return isFiltered(search) ? (
        <Empty title={t("list.noMatchTitle")} text={t("list.noMatchText")} icon={IconSearchOff}>
          <Button variant="default" mt={8} onClick={() => props.onSearch({ q: undefined, kana: undefined, lifecycle: undefined, prefecture: undefined, owner: undefined })}>
            {t("action.clear")}
          </Button>
        </Empty>
      ) : (
        <Empty title={t(`${path}.emptyTitle`)} text={t(`${path}.emptyText`)} icon={props.icon}>
          {toImport}
        </Empty>
      );
    }
    const found = pages.data?.pages.at(-1)?.sort ?? sort;
    return (
      <>
        {found !== sort && (
          <Text size="xs" c="dimmed" role="status">
            {t("list.sort.tooMany")}
          </Text>
        )}
        <RecordList
          label={t(`${path}.title`)}
          rows={rows}
          columns={columns}
          compact={props.compact}
          idOf={(row) => row.id}
          onOpen={props.onOpen}
          hasMore={pages.hasNextPage && !pages.isFetchNextPageError}
          isLoadingMore={pages.isFetchingNextPage}
          onMore={onMore}
          resetKey={resetKey}
          footer={
            pages.isFetchNextPageError ? (
              <Failure error={pages.error} onRetry={onMore} />
            ) : pages.hasNextPage ? (
              t("list.loaded", { n: rows.length })
            ) : (
              t("list.end", { n: rows.length })
            )
          }
        />
      </>
    );
  }

  return (
    <Page
      title={t(`${path}.title`)}
      fills
      actions={
        <>
          {toImport}
          <ExportMenu resource={resource} asked={{ q: search.q ?? null, filter: filterOf(search, prefectureField), sort }} />
          {create}
        </>
      }
    >
      <ListToolbar
        search={search}
        onSearch={props.onSearch}
        placeholder={t(`${path}.searchPlaceholder`)}
        filters={props.filters}
        kana={props.kana}
        sorts={sorts}
        columns={menu}
      />
      {content()}
    </Page>
  );
}

function useListColumns<T extends Row>({ resource, columns, leadColumn, initial }: ListPageProps<T>) {
  const t = useT();
  const path = pathOf(resource);
  const { data: fields = [] } = useQuery(fieldsQuery(resource));
  const [shown, toggle] = useShownColumns(path, initial);
  return useMemo(() => {
    const custom: Column<T>[] = fields.map((field) => {
      const spec = specOf(field, undefined);
      return {
        key: spec.name,
        label: spec.label,
        width: "minmax(120px, 160px)",
        show: (row) => <FieldValue spec={spec} value={row.custom[field.key]} />,
      };
    });
    const all = [...columns, ...custom];
    const groups = [
      { columns: columns.filter((column) => column.key !== leadColumn) },
      { title: t("list.customColumns"), columns: custom },
    ];
    return {
      columns: all.filter((column) => column.key === leadColumn || shown.includes(column.key)),
      menu: <ColumnMenu groups={groups} shown={shown} onToggle={toggle} />,
    };
    // `toggle` is made anew each time and closes over nothing that changes.
  }, [t, fields, columns, leadColumn, shown]);
}
