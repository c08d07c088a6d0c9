/** Finding a record while typing: for links to records, and for the names of companies. */

import { Autocomplete, Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { client, take } from "@/api/client";
import type { CompanyView, ContactView, Resource } from "@/api/types";
import { useT } from "@/app/preferences";
import { displayName } from "@/features/contacts/names";
import { recordQuery, type RecordView } from "./api";

/** What every input of a field takes. */
export interface InputProps {
  label: string;
  description?: string;
  error?: string;
  required?: boolean;
  disabled?: boolean;
  autoFocus?: boolean;
}

interface Found {
  value: string;
  label: string;
}

const SHOWN = 20;

/** One record of a resource, chosen by its name; the value is its id. */
export function RecordSelect({ resource, value, onChange, ...common }: InputProps & { resource: Resource; value: string | null; onChange: (id: string | null) => void }) {
  const t = useT();
  const [typed, setTyped] = useState("");
  const chosen = useQuery({ ...recordQuery(resource, value ?? ""), enabled: value !== null });
  const current: Found[] = value === null ? [] : [{ value, label: chosen.data ? nameOfRecord(resource, chosen.data) : "…" }];
  // What stands in the input is the chosen one's name: nothing is looked for until it is changed.
  const { found, isSearching } = useFound(resource, typed === current[0]?.label ? "" : typed);
  const others = found.filter((each) => each.value !== value);
  return (
    <Select
      {...common}
      value={value}
      onChange={onChange}
      data={[...current, ...others]}
      searchable
      searchValue={typed}
      onSearchChange={setTyped}
      // The service has looked already, in every kana and width.
      filter={({ options }) => options}
      placeholder={t("picker.placeholder")}
      nothingFoundMessage={t(isSearching ? "palette.searching" : "palette.empty")}
      clearable
    />
  );
}

/** The name of a company: one that is known, or a new one. */
export function CompanyNameInput({ value, onChange, ...common }: InputProps & { value: string; onChange: (name: string) => void }) {
  const { found } = useFound("company", value);
  const names = [...new Set(found.map((each) => each.label))];
  return <Autocomplete {...common} value={value} onChange={onChange} data={names} filter={({ options }) => options} limit={SHOWN} />;
}

/** What a record is called in a sentence. */
export function nameOfRecord(resource: Resource, record: RecordView): string {
  return resource === "company" ? (record as CompanyView).name : displayName(record as ContactView);
}

function useFound(resource: Resource, typed: string): { found: Found[]; isSearching: boolean } {
  const [q] = useDebouncedValue(typed.trim(), 180);
  const search = useQuery({
    queryKey: ["pick", resource, q],
    queryFn: ({ signal }) => searched(resource, q, signal),
    enabled: q !== "",
    placeholderData: keepPreviousData,
  });
  return { found: q === "" ? [] : (search.data ?? []), isSearching: search.isFetching };
}

/** The records that are meant by `q`, with what tells two of one name apart. */
export async function searched(resource: Resource, q: string, signal: AbortSignal): Promise<Found[]> {
  const body = { q, limit: SHOWN };
  if (resource === "company") {
    const { items } = await take(client.POST("/v1/companies/search", { body, signal }));
    return items.map((company) => ({ value: company.id, label: company.name }));
  }
  const { items } = await take(client.POST("/v1/contacts/search", { body, signal }));
  return items.map((contact) => ({ value: contact.id, label: [displayName(contact), contact.company_name].filter(Boolean).join(" ・ ") }));
}
