/** The calls of contacts and companies, which are alike, by resource. */

import { queryOptions } from "@tanstack/react-query";
import { client, ifMatch, take } from "@/api/client";
import { pagesQuery } from "@/api/queries";
import type { CompanyInput, CompanyView, ContactInput, ContactView, HistoryEntry, Page, Resource } from "@/api/types";

export type RecordView = ContactView | CompanyView;

export function recordQuery(resource: Resource, id: string) {
  return queryOptions<RecordView>({
    queryKey: [resource, id],
    queryFn: () =>
      resource === "contact"
        ? take(client.GET("/v1/contacts/{contact_id}", { params: ofContact(id) }))
        : take(client.GET("/v1/companies/{company_id}", { params: ofCompany(id) })),
  });
}

export function historyQuery(resource: Resource, id: string) {
  return pagesQuery([resource, id, "history"], (cursor, signal): Promise<Page<HistoryEntry>> =>
    resource === "contact"
      ? take(client.GET("/v1/contacts/{contact_id}/history", { params: { ...ofContact(id), query: { cursor } }, signal }))
      : take(client.GET("/v1/companies/{company_id}/history", { params: { ...ofCompany(id), query: { cursor } }, signal })),
  );
}

type Members = Record<string, unknown>;

/** `once` is an Idempotency-Key. The members come from a form that its fields describe; the API checks them. */
export function createRecord(resource: Resource, members: Members, once: Record<string, string>): Promise<RecordView> {
  return resource === "contact"
    ? take(client.POST("/v1/contacts", { headers: once, body: members as ContactInput }))
    : take(client.POST("/v1/companies", { headers: once, body: members as CompanyInput }));
}

export function changeRecord(resource: Resource, id: string, version: number, body: Members): Promise<RecordView> {
  const header = ifMatch(version);
  return resource === "contact"
    ? take(client.PATCH("/v1/contacts/{contact_id}", { params: { ...ofContact(id), header }, body }))
    : take(client.PATCH("/v1/companies/{company_id}", { params: { ...ofCompany(id), header }, body }));
}

export async function deleteRecord(resource: Resource, id: string, version: number): Promise<void> {
  const header = ifMatch(version);
  await (resource === "contact"
    ? take(client.DELETE("/v1/contacts/{contact_id}", { params: { ...ofContact(id), header } }))
    : take(client.DELETE("/v1/companies/{company_id}", { params: { ...ofCompany(id), header } })));
}

export function restoreRecord(resource: Resource, id: string): Promise<RecordView> {
  return resource === "contact"
    ? take(client.POST("/v1/contacts/{contact_id}/restore", { params: ofContact(id) }))
    : take(client.POST("/v1/companies/{company_id}/restore", { params: ofCompany(id) }));
}

const ofContact = (contact_id: string) => ({ path: { contact_id } });
const ofCompany = (company_id: string) => ({ path: { company_id } });
