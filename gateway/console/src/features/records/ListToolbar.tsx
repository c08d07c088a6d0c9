/** Search, filters and columns above a list. */

import { ActionIcon, Button, Collapse, Group, Indicator, Menu, Select, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedCallback, useDisclosure, useHotkeys, useMediaQuery } from "@mantine/hooks";
import { IconAdjustmentsHorizontal, IconColumns3, IconSearch, IconX } from "@tabler/icons-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useT } from "@/app/preferences";
import { useUserChoices } from "@/components/people";
import { LIFECYCLES } from "./FieldInput";
import { KANA_ROWS, PREFECTURES } from "./japan";
import { isFiltered, type ListSearch } from "./search";
import styles from "./ListToolbar.module.css";

interface ToolbarProps {
  search: ListSearch;
  onSearch: (change: Partial<ListSearch>) => void;
  placeholder: string;
  /** Which filters this list has. */
  filters: readonly ("lifecycle" | "prefecture" | "owner")[];
  kana?: boolean;
  sorts: readonly { value: string; label: string }[];
  columns: ReactNode;
}

export function ListToolbar({ search, onSearch, placeholder, filters, kana, sorts, columns }: ToolbarProps) {
  const t = useT();
  const isPhone = useMediaQuery("(max-width: 48em)");
  const [areShown, { toggle }] = useDisclosure();
  const count = filters.filter((name) => search[name]).length + (search.sort ? 1 : 0);
  const selects = <Filters search={search} onSearch={onSearch} filters={filters} sorts={sorts} />;
  return (
    <div className={styles.toolbar}>
      <Group gap={8} wrap="nowrap">
        <SearchBox value={search.q ?? ""} onChange={(q) => onSearch({ q: q || undefined })} placeholder={placeholder} />
        {isPhone ? (
          <Indicator disabled={count === 0} label={count} size={16} color="ai">
            <ActionIcon variant="default" size={34} aria-label={t("list.filters")} aria-expanded={areShown} onClick={toggle}>
              <IconAdjustmentsHorizontal size={17} />
            </ActionIcon>
          </Indicator>
        ) : (
          <>
            {selects}
            {isFiltered(search) && (
              <Button
                variant="subtle"
                color="gray"
                leftSection={<IconX size={13} />}
                onClick={() => onSearch({ q: undefined, kana: undefined, lifecycle: undefined, prefecture: undefined, owner: undefined })}
              >
                {t("action.clear")}
              </Button>
            )}
            <div style={{ marginLeft: "auto" }}>{columns}</div>
          </>
        )}
      </Group>
      {isPhone && (
        <Collapse expanded={areShown}>
          <div className={styles.drawer}>{selects}</div>
        </Collapse>
      )}
      {kana && <KanaIndex chosen={search.kana} onChoose={(row) => onSearch({ kana: row })} />}
    </div>
  );
}

function SearchBox({ value, onChange, placeholder }: { value: string; onChange: (q: string) => void; placeholder: string }) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const tell = useDebouncedCallback(onChange, 220);
  useEffect(() => setText(value), [value]);
  useHotkeys([["/", () => input.current?.focus()]]);
  return (
    <TextInput
      ref={input}
      type="search"
      size="xs"
      className={styles.search}
      aria-label={t("list.search")}
      placeholder={placeholder}
      value={text}
      leftSection={<IconSearch size={15} />}
      onChange={(event) => {
        setText(event.currentTarget.value);
        // What an input method still composes is not yet what is looked for.
        if (!(event.nativeEvent as InputEvent).isComposing) tell(event.currentTarget.value);
      }}
      onCompositionEnd={(event) => tell(event.currentTarget.value)}
    />
  );
}

function Filters({ search, onSearch, filters, sorts }: Pick<ToolbarProps, "search" | "onSearch" | "filters" | "sorts">) {
  const t = useT();
  const users = useUserChoices([search.owner]);
  const choices = {
    lifecycle: { label: t("list.filterLifecycle"), choices: { data: LIFECYCLES.map((each) => ({ value: each, label: t(`lifecycle.${each}`) })) }, width: 128 },
    prefecture: { label: t("list.filterPrefecture"), choices: { data: PREFECTURES }, width: 128 },
    owner: { label: t("list.filterOwner"), choices: users, width: 140 },
  };
  return (
    <>
      {filters.map((name) => (
        <Select
          key={name}
          size="xs"
          w={{ base: "100%", sm: choices[name].width }}
          aria-label={choices[name].label}
          placeholder={choices[name].label}
          {...choices[name].choices}
          value={search[name] ?? null}
          onChange={(value) => onSearch({ [name]: value ?? undefined })}
          searchable={name !== "lifecycle"}
          clearable
          comboboxProps={{ width: "max-content", position: "bottom-start" }}
        />
      ))}
      <Select
        size="xs"
        w={{ base: "100%", sm: 124 }}
        aria-label={t("list.sort")}
        data={[...sorts]}
        value={search.sort ?? sorts[0]?.value ?? null}
        onChange={(value) => onSearch({ sort: value === sorts[0]?.value ? undefined : (value ?? undefined) })}
        allowDeselect={false}
      />
    </>
  );
}

function KanaIndex({ chosen, onChoose }: { chosen?: string; onChoose: (row: string | undefined) => void }) {
  const t = useT();
  return (
    <div className={styles.kana} role="group" aria-label={t("list.kana")}>
      <button type="button" aria-pressed={chosen === undefined} onClick={() => onChoose(undefined)}>
        {t("list.kanaAll")}
      </button>
      {KANA_ROWS.map((row) => (
        <button key={row} type="button" lang="ja" aria-pressed={chosen === row} onClick={() => onChoose(chosen === row ? undefined : row)}>
          {row}
        </button>
      ))}
    </div>
  );
}

interface ColumnMenuProps {
  groups: { title?: string; columns: { key: string; label: string }[] }[];
  shown: readonly string[];
  onToggle: (key: string) => void;
}

export function ColumnMenu({ groups, shown, onToggle }: ColumnMenuProps) {
  const t = useT();
  return (
    <Menu closeOnItemClick={false} width={220}>
      <Menu.Target>
        <Tooltip label={t("list.columns")}>
          <ActionIcon variant="subtle" color="gray" size={30} aria-label={t("list.columns")}>
            <IconColumns3 size={17} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown mah={420} style={{ overflowY: "auto" }}>
        {groups.map(({ title, columns }) => (
          <div key={title ?? ""} role="group" aria-label={title ?? t("list.columns")}>
            <Menu.Label>{title ?? t("list.columns")}</Menu.Label>
            {columns.length === 0 && <Menu.Item disabled>{t("list.noCustom")}</Menu.Item>}
            {columns.map(({ key, label }) => (
              <Menu.CheckboxItem key={key} checked={shown.includes(key)} onChange={() => onToggle(key)}>
                {label}
              </Menu.CheckboxItem>
            ))}
          </div>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
