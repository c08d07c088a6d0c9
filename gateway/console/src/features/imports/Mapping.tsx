/** How the file is read, and which column goes where. Both were guessed; both can be corrected. */

import { Alert, Button, Group, NumberInput, Paper, Radio, Select, Stack, Table, Text, Title } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { errorsElsewhere, fieldErrors } from "@/api/problem";
import { fieldsQuery } from "@/api/queries";
import type { Import, ImportPatch } from "@/api/types";
import { useT } from "@/app/preferences";
import { FormError } from "@/components/States";
import { isKey } from "@/i18n";
import { change, importQuery, startCheck } from "./api";
import styles from "./imports.module.css";
import { fieldChoices, matchChoices, suggestedMatch } from "./mappingFields";

const ENCODINGS = ["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le", "utf-16-be", "euc-jp", "iso-2022-jp"];
const DELIMITERS = [
  { value: ",", key: "imports.delimiter.comma" },
  { value: "\t", key: "imports.delimiter.tab" },
  { value: ";", key: "imports.delimiter.semicolon" },
  { value: "|", key: "imports.delimiter.pipe" },
] as const;

type Mapped = Record<number, string | null>;

interface MappingProps {
  found: Import;
  /** Whether somebody else uploaded the file: only they change the mapping and go on. */
  isReadOnly: boolean;
  onChecking: () => void;
}

export function Mapping({ found, isReadOnly, onChecking }: MappingProps) {
  return (
    <Stack gap="xl">
      {!isReadOnly && <Format key={`${found.encoding} ${found.delimiter} ${found.header_row}`} found={found} />}
      <Columns found={found} isReadOnly={isReadOnly} onChecking={onChecking} />
    </Stack>
  );
}

function Format({ found }: { found: Import }) {
  const t = useT();
  const queries = useQueryClient();
  const [encoding, setEncoding] = useState(found.encoding);
  const [delimiter, setDelimiter] = useState(found.delimiter);
  const [header, setHeader] = useState<number | string>(found.header_row);
  const reading = useMutation({
    mutationFn: (patch: ImportPatch) => change(found.id, patch),
    onSuccess: (read) => queries.setQueryData(importQuery(found.id).queryKey, read),
  });
  const errors = fieldErrors(reading.error);
  const isText = found.encoding !== null;
  const isChanged = encoding !== found.encoding || delimiter !== found.delimiter || Number(header) !== found.header_row;
  function read() {
    reading.mutate({ header_row: Number(header), ...(isText ? { encoding, delimiter } : {}) });
  }
  return (
    <section>
      <Title order={2}>{t("imports.detected")}</Title>
      <Text size="sm" c="dimmed" mb="sm">
        {t("imports.detectedLead")}
      </Text>
      <FormError error={reading.error} others={errorsElsewhere(errors, ["encoding", "delimiter", "header_row"])} />
      <Paper withBorder p="md">
        <Group gap="md" align="flex-start">
          {isText ? (
            <>
              <Select
                w={190}
                label={t("imports.encoding")}
                value={encoding}
                onChange={setEncoding}
                allowDeselect={false}
                error={errors.encoding}
                data={[...new Set([...ENCODINGS, found.encoding ?? ""])].filter(Boolean).map((value) => ({ value, label: encodingLabel(value, t) }))}
              />
              <Select
                w={130}
                label={t("imports.delimiter")}
                value={delimiter}
                onChange={setDelimiter}
                allowDeselect={false}
                error={errors.delimiter}
                data={DELIMITERS.map(({ value, key }) => ({ value, label: t(key) }))}
              />
            </>
          ) : (
            <div>
              <Text size="sm" fw={500}>
                {t("imports.fileName")}
              </Text>
              <Text size="sm" mt={6}>
                {t("imports.sheet")}
              </Text>
            </div>
          )}
          <NumberInput
            w={130}
            label={t("imports.headerRow")}
            description={t("imports.headerRowHelp")}
            inputWrapperOrder={["label", "input", "description", "error"]}
            min={0}
            max={100}
            allowDecimal={false}
            value={header}
            onChange={setHeader}
            error={errors.header_row}
          />
          {isChanged && (
            <Button mt={24} size="sm" variant="default" leftSection={<IconRefresh size={15} />} loading={reading.isPending} onClick={read}>
              {t("imports.reread")}
            </Button>
          )}
        </Group>
      </Paper>
    </section>
  );
}

function Columns({ found, isReadOnly, onChecking }: MappingProps) {
  const t = useT();
  const queries = useQueryClient();
  const { data: custom = [] } = useQuery(fieldsQuery(found.resource));
  const [mapped, setMapped] = useState<Mapped>(() => mappedOf(found));
  // Undefined until somebody has chosen, then what was chosen, which may be none.
  const [matchOn, setMatchOn] = useState<string | null | undefined>(found.match_on ?? undefined);
  // What an import does before anybody has chosen is to add; matching that still adds would double what it finds.
  const [onMatch, setOnMatch] = useState<Import["on_match"]>(found.match_on === null ? "update" : found.on_match);
  useEffect(() => setMapped(mappedOf(found)), [found]);
  const groups = useMemo(() => fieldChoices(found.resource, custom, t), [found.resource, custom, t]);
  const names = Object.values(mapped).filter((name) => name !== null);
  const matches = matchChoices(found.resource, custom, names, t);
  const wantedMatch = matchOn === undefined ? suggestedMatch(found.resource, names) : matchOn;
  const chosenMatch = matches.some((each) => each.value === wantedMatch) ? wantedMatch : null;
  const mapping = found.columns.map(({ index }) => ({ column: index, field: mapped[index] ?? null }));
  const checking = useMutation({
    mutationFn: async () => {
      await change(found.id, { mapping, match_on: chosenMatch, on_match: chosenMatch === null ? "create" : onMatch });
      await startCheck(found.id);
    },
    onSuccess: async () => {
      queries.removeQueries({ queryKey: ["imports", found.id, "errors"] });
      await queries.invalidateQueries({ queryKey: importQuery(found.id).queryKey, exact: true });
      onChecking();
    },
  });
  const errors = fieldErrors(checking.error);
  const shown = mapping.map((_, place) => `mapping.${place}`);
  return (
    <section>
      <Title order={2}>{t("imports.mapping")}</Title>
      {!isReadOnly && (
        <Text size="sm" c="dimmed" mb="sm">
          {t("imports.mappingLead")}
        </Text>
      )}
      <FormError error={checking.error} others={errorsElsewhere(errors, [...shown, "match_on", "on_match"])} />
      <Table.ScrollContainer minWidth={560} type="native" tabIndex={0}>
        <Table className={styles.table} verticalSpacing={5} fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("imports.column")}</Table.Th>
              <Table.Th>{t("imports.samples")}</Table.Th>
              <Table.Th w={260}>{t("imports.field")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.columns.map((column, place) => (
              <Table.Tr key={column.index}>
                <Table.Td fw={500}>{column.name}</Table.Td>
                <Table.Td>
                  <div className={styles.samples}>
                    {column.samples.slice(0, 2).map((sample) => (
                      <span key={sample} className="truncate" title={sample}>
                        {sample}
                      </span>
                    ))}
                  </div>
                </Table.Td>
                <Table.Td>
                  {isReadOnly ? (
                    (labelIn(groups, mapped[column.index]) ?? t("imports.skipColumn"))
                  ) : (
                    <Select
                      size="xs"
                      aria-label={t("imports.fieldFor", { column: column.name })}
                      placeholder={t("imports.skipColumn")}
                      value={mapped[column.index] ?? null}
                      onChange={(field) => setMapped((now) => ({ ...now, [column.index]: field }))}
                      data={withoutTaken(groups, names, mapped[column.index] ?? null)}
                      error={errors[`mapping.${place}.field`] ?? errors[`mapping.${place}.column`]}
                      searchable
                      clearable
                    />
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {!isReadOnly && (
        <Stack gap="md" mt="lg">
          <Select
            maw={320}
            label={t("imports.matchOn")}
            description={t("imports.matchOnHelp")}
            placeholder={t("imports.matchOn.none")}
            value={chosenMatch}
            onChange={setMatchOn}
            data={matches}
            error={errors.match_on}
            clearable
          />
          {chosenMatch !== null && (
            <Radio.Group label={t("imports.onMatch")} value={onMatch} onChange={(value) => setOnMatch(value as Import["on_match"])} error={errors.on_match}>
              <Group gap="lg" mt={6}>
                {(["update", "skip", "create"] as const).map((value) => (
                  <Radio key={value} value={value} label={t(`imports.onMatch.${value}`)} size="xs" />
                ))}
              </Group>
            </Radio.Group>
          )}
          <Alert variant="light" color="gray" p="sm">
            {t("imports.mapped", { n: names.length })} ・ {t("imports.checkLead")}
          </Alert>
          <Button size="sm" w="fit-content" loading={checking.isPending} onClick={() => checking.mutate()}>
            {t("imports.toCheck")}
          </Button>
        </Stack>
      )}
    </section>
  );
}

function mappedOf(found: Import): Mapped {
  const chosen = new Map(found.mapping.map(({ column, field }) => [column, field ?? null]));
  return Object.fromEntries(
    found.columns.map(({ index, suggested_field }) => [index, chosen.has(index) ? (chosen.get(index) ?? null) : suggested_field]),
  );
}

function labelIn(groups: ReturnType<typeof fieldChoices>, name: string | null | undefined): string | undefined {
  return groups.flatMap(({ items }) => items).find(({ value }) => value === name)?.label;
}

function withoutTaken(groups: ReturnType<typeof fieldChoices>, taken: readonly string[], own: string | null) {
  return groups.map(({ group, items }) => ({
    group,
    items: items.map((item) => ({ ...item, disabled: item.value !== own && taken.includes(item.value) })),
  }));
}

function encodingLabel(value: string, t: ReturnType<typeof useT>): string {
  const key = `imports.encoding.${value}`;
  return isKey(key) ? t(key) : value;
}
