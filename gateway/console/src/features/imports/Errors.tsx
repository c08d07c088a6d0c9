/** Why rows were rejected, one line for each thing wrong, and the rows as a file. */

import { Button, Group, Table, Text, Title } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { itemsOf } from "@/api/queries";
import { useT } from "@/app/preferences";
import { Failure, Loading } from "@/components/States";
import { errorsQuery, rejectedHref } from "./api";
import styles from "./imports.module.css";

export function Errors({ id }: { id: string }) {
  const t = useT();
  const errors = useInfiniteQuery(errorsQuery(id));
  const items = itemsOf(errors.data?.pages, (error) => `${error.row} ${error.column ?? ""} ${error.code}`);
  return (
    <section>
      <Group justify="space-between" mb={4} align="flex-start">
        <div>
          <Title order={2}>{t("imports.errors")}</Title>
          <Text size="xs" c="dimmed">
            {t("imports.downloadHint")}
          </Text>
        </div>
        <Button component="a" href={rejectedHref(id)} download variant="default" leftSection={<IconDownload size={15} />}>
          {t("imports.download")}
        </Button>
      </Group>
      {errors.isPending ? (
        <Loading height={120} />
      ) : errors.isError && items.length === 0 ? (
        <Failure error={errors.error} onRetry={() => void errors.refetch()} />
      ) : (
        <>
          <Table.ScrollContainer minWidth={320} type="native" tabIndex={0}>
            <Table className={styles.table} verticalSpacing={5} fz="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th w={92}>{t("imports.errorRow")}</Table.Th>
                  <Table.Th w={{ base: 110, sm: 170 }}>{t("imports.errorColumn")}</Table.Th>
                  <Table.Th>{t("imports.errorMessage")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((error) => (
                  <Table.Tr key={`${error.row} ${error.column ?? ""} ${error.code}`}>
                    <Table.Td className="tabular">{error.line ?? error.row}</Table.Td>
                    <Table.Td>{error.column ?? t(error.code === "withheld" ? "imports.hiddenColumn" : "imports.wholeRow")}</Table.Td>
                    <Table.Td>{error.detail}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          {errors.hasNextPage && (
            <Group gap={10} mt="sm">
              <Button variant="default" loading={errors.isFetchingNextPage} onClick={() => void errors.fetchNextPage()}>
                {t("action.more")}
              </Button>
              <Text size="xs" c="dimmed">
                {t("imports.allErrors")}
              </Text>
            </Group>
          )}
        </>
      )}
    </section>
  );
}
