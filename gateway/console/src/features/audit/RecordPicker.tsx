/** The record whose entries are looked for: found by name, or given as an id where its name is gone. */

import { Select, type SelectProps } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQueries, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Resource } from "@/api/types";
import { useT } from "@/app/preferences";
import { useMay } from "@/components/permissions";
import { searched } from "@/features/records/RecordSelect";
import { shortId } from "./things";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface Picked {
  id: string;
  label: string;
}

interface RecordPickerProps extends Omit<SelectProps, "value" | "onChange" | "data"> {
  resources: readonly Resource[];
  value: string | null;
  onChange: (picked: Picked | null) => void;
}

export function isRecordId(text: string | undefined): text is string {
  return text !== undefined && UUID.test(text);
}

export function RecordPicker({ resources, value, onChange, ...select }: RecordPickerProps) {
  const t = useT();
  const queries = useQueryClient();
  const [typed, setTyped] = useState("");
  // What was chosen here before keeps its name for as long as the page is open.
  const label = value === null ? "" : (queries.getQueryData<string>(["picked", value]) ?? shortId(value));
  const { groups, isSearching } = useFound(resources, typed === label ? "" : typed);
  const pasted = isRecordId(typed.trim()) ? typed.trim().toLowerCase() : undefined;
  const known = new Set(groups.flatMap((group) => group.items.map((item) => item.value)));
  const alone = [value, pasted].flatMap((id) => (id && !known.has(id) ? [{ value: id, label: id === value ? label : shortId(id) }] : []));
  const labels = new Map([...alone, ...groups.flatMap((group) => group.items)].map((item) => [item.value, item.label]));
  return (
    <Select
      {...select}
      value={value}
      onChange={(id) => {
        if (id === null) return onChange(null);
        const chosen = labels.get(id) ?? shortId(id);
        queries.setQueryData(["picked", id], chosen);
        onChange({ id, label: chosen });
      }}
      data={[...alone.filter((each, place) => alone.findIndex(({ value: id }) => id === each.value) === place), ...groups]}
      searchable
      searchValue={typed}
      onSearchChange={setTyped}
      // The service has looked already, in every kana and width.
      filter={({ options }) => options}
      nothingFoundMessage={t(typed.trim() === "" ? "picker.placeholder" : isSearching ? "palette.searching" : "palette.empty")}
      clearable
      comboboxProps={{ width: 280, position: "bottom-start" }}
    />
  );
}

function useFound(resources: readonly Resource[], typed: string) {
  const t = useT();
  const may = useMay();
  const [q] = useDebouncedValue(typed.trim(), 250);
  const mayRead = { contact: may("contacts:read"), company: may("companies:read") };
  const isWanted = q !== "" && !isRecordId(q);
  const searches = useQueries({
    queries: resources.map((resource) => ({
      queryKey: ["pick", resource, q],
      queryFn: ({ signal }: { signal: AbortSignal }) => searched(resource, q, signal),
      enabled: isWanted && mayRead[resource],
    })),
  });
  const groups = resources.map((resource, place) => ({ group: t(`resource.${resource}`), items: (isWanted && searches[place]?.data) || [] }));
  return { groups: groups.filter((group) => group.items.length > 0), isSearching: searches.some((search) => search.isFetching) };
}
