/**
 * Names of the records that entries are about. One search by ids names all of a page: it is itself an access, and
 * one entry of the log. A record that is deleted, or out of the reader's reach, keeps its id.
 */

import { useQueries } from "@tanstack/react-query";
import { client, take } from "@/api/client";
import type { AuditEntry, Resource } from "@/api/types";
import { useMay } from "@/components/permissions";
import { displayName } from "@/features/contacts/names";

export type RecordNames = ReadonlyMap<string, string>;

/** What one search asks for at most: a page of its answer. */
const AT_ONCE = 200;
const RESOURCES: Resource[] = ["contact", "company"];

/** The ids of contacts and of companies; each list is asked for by itself, once. */
export type Wanted = Record<Resource, string[]>;

export function useRecordNames(lists: readonly Wanted[]): RecordNames {
  const may = useMay();
  const mayRead = { contact: may("contacts:read"), company: may("companies:read") };
  return useQueries({
    queries: lists.flatMap((wanted) =>
      RESOURCES.filter((resource) => mayRead[resource] && wanted[resource].length > 0).map((resource) => ({
        queryKey: ["record-names", resource, wanted[resource]],
        queryFn: () => namesOf(resource, wanted[resource].slice(0, AT_ONCE)),
        staleTime: Infinity,
        retry: false,
      })),
    ),
    combine: joined,
  });
}

function joined(answers: { data?: [string, string][] }[]): RecordNames {
  return new Map(answers.flatMap((answer) => answer.data ?? []));
}

/** What the entries are about, each record once. */
export function wantedBy(entries: readonly AuditEntry[]): Wanted {
  const idsOf = (resource: Resource) => [
    ...new Set(entries.flatMap(({ resource: { type, id } }) => (type === resource && id ? [id] : []))),
  ];
  return { contact: idsOf("contact"), company: idsOf("company") };
}

async function namesOf(resource: Resource, ids: string[]): Promise<[string, string][]> {
  const body = { filter: { field: "id", op: "in", value: ids }, limit: AT_ONCE };
  if (resource === "company") {
    const { items } = await take(client.POST("/v1/companies/search", { body }));
    return items.map((each) => [each.id, each.name]);
  }
  const { items } = await take(client.POST("/v1/contacts/search", { body }));
  return items.map((each) => [each.id, displayName(each)]);
}
