/** The calls of contacts and companies, which are alike, by resource. */

import { queryOptions } from "@tanstack/react-query";
import { client, ifMatch, take } from "@/api/client";
import type { CompanyView, ContactView, HistoryEntry, Resource } from "@/api/types";

export type RecordView = ContactView | CompanyView;

export function recordQuery(resource: Resource, id: string) {
  const params = { path: { id } };
  return queryOptions<RecordView>({
    queryKey: [resource, id],
    queryFn: () =>
      resource === "contact" ? take(client.GET("/v1/contacts/{id}", { params })) : take(client.GET("/v1/companies/{id}", { params })),
  });
}

export function historyQuery(resource: Resource, id: string) {
  const params = { path: { id } };
  return queryOptions<HistoryEntry[]>({
    queryKey: [resource, id, "history"],
    queryFn: async () => {
      const page =
        resource === "contact"
          ? await take(client.GET("/v1/contacts/{id}/history", { params }))
          : await take(client.GET("/v1/companies/{id}/history", { params }));
      return page.items;
    },
  });
}

export function createRecord(resource: Resource, body: Record<string, unknown>, once: { "Idempotency-Key": string }): Promise<RecordView> {
  const params = { header: once };
  return resource === "contact"
    ? take(client.POST("/v1/contacts", { params, body }))
    : take(client.POST("/v1/companies", { params, body }));
}

export function changeRecord(resource: Resource, id: string, version: number, body: Record<string, unknown>): Promise<RecordView> {
  const params = { path: { id }, header: ifMatch(version) };
  return resource === "contact"
    ? take(client.PATCH("/v1/contacts/{id}", { params, body }))
    : take(client.PATCH("/v1/companies/{id}", { params, body }));
}

export async function deleteRecord(resource: Resource, id: string, version: number): Promise<void> {
  const params = { path: { id }, header: ifMatch(version) };
  await (resource === "contact"
    ? take(client.DELETE("/v1/contacts/{id}", { params }))
    : take(client.DELETE("/v1/companies/{id}", { params })));
}

export function restoreRecord(resource: Resource, id: string): Promise<RecordView> {
  const params = { path: { id } };
  return resource === "contact"
    ? take(client.POST("/v1/contacts/{id}/restore", { params }))
    : take(client.POST("/v1/companies/{id}/restore", { params }));
}
