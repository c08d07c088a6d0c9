import { Anchor, Button, Loader, SegmentedControl, Stack, Table, Text } from "@mantine/core";
import { IconFileSpreadsheet, IconUpload } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState, type DragEvent } from "react";
import type { Import, Resource } from "@/api/types";
import { useFormat, useT } from "@/app/preferences";
import { Dot, type DotColor } from "@/components/Dot";
import { Page } from "@/components/Page";
import { useMay } from "@/components/permissions";
import { Forbidden, FormError } from "@/components/States";
import { pathOf } from "@/features/records/specs";
import { importQuery, recentQuery, templateHref, upload } from "./api";
import styles from "./imports.module.css";

const route = getRouteApi("/inside/imports");
const ACCEPTED = ".csv,.tsv,.txt,.xlsx,text/csv,text/tab-separated-values";

export function UploadPage() {
  const t = useT();
  const may = useMay();
  const choices = (["contact", "company"] as const).filter((each) => may(`${pathOf(each)}:import`));
  return choices.length > 0 ? (
    <Upload choices={choices} />
  ) : (
    <Page title={t("imports.title")} narrow>
      <Forbidden />
    </Page>
  );
}

function Upload({ choices }: { choices: Resource[] }) {
  const t = useT();
  const navigate = useNavigate({ from: "/imports" });
  const queries = useQueryClient();
  const { resource: asked = "contact" } = route.useSearch();
  const resource = choices.includes(asked) ? asked : (choices[0] ?? asked);
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const sending = useMutation({
    mutationFn: (file: File) => upload(file, resource),
    onSuccess: (found) => {
      queries.setQueryData(importQuery(found.id).queryKey, found);
      void queries.invalidateQueries({ queryKey: recentQuery.queryKey });
      void navigate({ to: "/imports/$id", params: { id: found.id } });
    },
  });
  function drop(event: DragEvent) {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file && !sending.isPending) sending.mutate(file);
  }
  return (
    <Page title={t("imports.title")} lead={t("imports.lead")} narrow>
      <Stack gap="lg">
        <div>
          <Text size="sm" fw={500} mb={4} id="import-resource">
            {t("imports.resource")}
          </Text>
          <SegmentedControl
            size="sm"
            aria-labelledby="import-resource"
            value={resource}
            onChange={(value) => void navigate({ search: { resource: value === "company" ? "company" : undefined }, replace: true })}
            data={choices.map((each) => ({ value: each, label: t(`imports.resource.${each}`) }))}
          />
        </div>
        {sending.isError && <FormError error={sending.error} />}
        <div
          className={styles.drop}
          data-over={isOver || undefined}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={drop}
        >
          {sending.isPending ? (
            <Stack align="center" gap={8} role="status">
              <Loader size="sm" />
              <Text size="sm">{t("imports.uploading")}</Text>
              <Text size="xs" c="dimmed">
                {sending.variables.name}
              </Text>
            </Stack>
          ) : (
            <Stack align="center" gap={8}>
              <IconFileSpreadsheet size={32} stroke={1.3} aria-hidden />
              <Text size="sm" visibleFrom="sm">
                {t("imports.drop")}
              </Text>
              <Button leftSection={<IconUpload size={15} />} onClick={() => input.current?.click()}>
                {t("imports.choose")}
              </Button>
              <Text size="xs" c="dimmed" ta="center">
                {t("imports.formats")}
              </Text>
            </Stack>
          )}
          <input
            ref={input}
            type="file"
            accept={ACCEPTED}
            hidden
            aria-label={t("imports.choose")}
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              event.currentTarget.value = "";
              if (file) sending.mutate(file);
            }}
          />
        </div>
        <Text size="sm">
          <Anchor href={templateHref(resource)} download inherit underline="always">
            {t("imports.template")}
          </Anchor>
          <Text span c="dimmed" ml={8} inherit>
            {t("imports.templateHint")}
          </Text>
        </Text>
        <Recent />
      </Stack>
    </Page>
  );
}

const COLORS: Record<Import["status"], DotColor> = { mapping: "gray", checking: "yellow", checked: "yellow", running: "blue", done: "green", failed: "red" };

export function ImportStatus({ status }: { status: Import["status"] }) {
  const t = useT();
  return (
<Dot color={COLORS[status]}>{t(`imports.status.${status}`)}</Dot>
  );
}

function Recent() {
  const t = useT();
  const format = useFormat();
  const recent = useQuery(recentQuery);
  if (!recent.data?.length) return null;
  return (
    <section>
      <Text size="sm" fw={600} mb={4}>
        {t("imports.recent")}
      </Text>
      <Table.ScrollContainer minWidth={480} type="native" tabIndex={0}>
        <Table verticalSpacing={6} fz="sm">
          <Table.Tbody>
            {recent.data.map((each) => (
              <Table.Tr key={each.id}>
                <Table.Td>
                  <Link to="/imports/$id" params={{ id: each.id }} className={styles.link}>
                    {each.file_name}
                  </Link>
                </Table.Td>
                <Table.Td>{t(`imports.resource.${each.resource}`)}</Table.Td>
                <Table.Td>
                  <ImportStatus status={each.status} />
                </Table.Td>
                <Table.Td c="dimmed" className="tabular" ta="right">
                  {format.moment(each.created_at)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </section>
  );
}
