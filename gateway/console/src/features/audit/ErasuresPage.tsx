/** The register: of whom the log was made to forget, when, by whom and why. */

import { Button, Group, Table } from "@mantine/core";
import { IconArrowLeft, IconEraser } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { client, take } from "@/api/client";
import { itemsOf, pagesQuery } from "@/api/queries";
import type { Erasure } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { Page } from "@/components/Page";
import { UserName } from "@/components/people";
import { useMay } from "@/components/permissions";
import { Empty, Failure, Loading } from "@/components/States";
import { isKey } from "@/i18n";
import { ErasureDialog } from "./ErasureDialog";
import { shortId } from "./things";

export function ErasuresPage() {
  const { translate: t } = usePreferences();
  const may = useMay();
  const [isErasing, setErasing] = useState(false);
  const pages = useInfiniteQuery(
    pagesQuery<Erasure>(["audit", "erasures"], (cursor, signal) => take(client.GET("/v1/audit/erasures", { params: { query: { limit: 100, cursor } }, signal }))),
  );
  const rows = useMemo(() => itemsOf(pages.data?.pages, (erasure) => erasure.id), [pages.data]);
  const begin = may("audit:erase") && (
    <Button variant="default" leftSection={<IconEraser size={15} />} onClick={() => setErasing(true)}>
      {t("erasure.begin")}
    </Button>
  );
  return (
    <Page title={t("erasure.register")} lead={t("erasure.registerLead")} actions={begin}>
      <Button component={Link} to="/audit" variant="subtle" color="gray" mb="sm" ml={-10} leftSection={<IconArrowLeft size={15} />}>
        {t("audit.title")}
      </Button>
      {pages.isPending ? (
        <Loading />
      ) : pages.isError && rows.length === 0 ? (
        <Failure error={pages.error} onRetry={() => void pages.refetch()} />
      ) : rows.length === 0 ? (
        <Empty title={t("erasure.emptyTitle")} icon={IconEraser} />
      ) : (
        <Rows rows={rows} />
      )}
      {pages.hasNextPage && (
        <Group justify="center" mt="md">
          <Button variant="default" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            {t("action.more")}
          </Button>
        </Group>
      )}
      {isErasing && <ErasureDialog onClose={() => setErasing(false)} />}
    </Page>
  );
}

function Rows({ rows }: { rows: Erasure[] }) {
  const { translate: t, format } = usePreferences();
  const reasonName = (reason: string) => {
    const key = `erasure.reason.${reason}`;
    return isKey(key) ? t(key) : reason;
  };
  return (
    <Table.ScrollContainer minWidth={680} type="native" tabIndex={0}>
      <Table verticalSpacing={6} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("audit.time")}</Table.Th>
            <Table.Th>{t("erasure.record")}</Table.Th>
            <Table.Th>{t("erasure.reason")}</Table.Th>
            <Table.Th>{t("erasure.erased")}</Table.Th>
            <Table.Th>{t("audit.actor")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((each) => (
            <Table.Tr key={each.id}>
              <Table.Td>{format.moment(each.erased_at)}</Table.Td>
              <Table.Td className="mono" title={each.record_id}>
                {shortId(each.record_id)}
              </Table.Td>
              <Table.Td>{reasonName(each.reason)}</Table.Td>
              <Table.Td className="tabular">{format.number(each.erased)}</Table.Td>
              <Table.Td>
                <UserName id={each.actor_user_id} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
