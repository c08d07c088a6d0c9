/** The calls of the import wizard. */

import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { client, take } from "@/api/client";
import { pagesQuery } from "@/api/queries";
import { refreshSession } from "@/api/session";
import type { Import, ImportPatch, Resource } from "@/api/types";

export function importQuery(id: string) {
  return queryOptions({
    queryKey: ["imports", id],
    queryFn: () => take(client.GET("/v1/imports/{import_id}", { params: { path: { import_id: id } } })),
  });
}

export const recentQuery = queryOptions({
  queryKey: ["imports", "recent"],
  queryFn: async () => (await take(client.GET("/v1/imports", { params: { query: { limit: 10 } } }))).items,
});

export function errorsQuery(id: string) {
  return pagesQuery(["imports", id, "errors"], (cursor, signal) =>
    take(client.GET("/v1/imports/{import_id}/errors", { params: { path: { import_id: id }, query: { limit: 200, cursor } }, signal })),
  );
}

export function upload(file: File, resource: Resource): Promise<Import> {
  const form = new FormData();
  form.set("resource", resource);
  form.set("file", file);
  // The description has the file as text; what is sent is the form itself.
  return take(client.POST("/v1/imports", { body: { resource, file: file.name }, bodySerializer: () => form }));
}

export function change(id: string, body: ImportPatch): Promise<Import> {
  return take(client.PATCH("/v1/imports/{import_id}", { params: { path: { import_id: id } }, body }));
}

export async function startCheck(id: string): Promise<void> {
  await take(client.POST("/v1/imports/{import_id}/check", { params: { path: { import_id: id } } }));
}

export async function startRun(id: string): Promise<void> {
  await take(client.POST("/v1/imports/{import_id}/run", { params: { path: { import_id: id } } }));
}

/** Where the browser downloads an empty file with the columns that an import knows. */
export function templateHref(resource: Resource): string {
  return `/v1/imports/template?resource=${resource}&format=xlsx`;
}

/** Where the browser downloads the rejected rows; the cookies go with it. */
export function rejectedHref(id: string): string {
  return `/v1/imports/${encodeURIComponent(id)}/rejected`;
}

/** The import, followed live while it is being worked on. Should the stream fail, it is asked for now and then. */
export function useLiveImport(id: string) {
  const queries = useQueryClient();
  const found = useQuery({
    ...importQuery(id),
    refetchInterval: (query) => (isAtWork(query.state.data) ? 3_000 : false),
  });
  const atWork = isAtWork(found.data);
  useEffect(() => {
    if (!atWork) return;
    return follow(`/v1/imports/${encodeURIComponent(id)}/events`, (progress) => {
      queries.setQueryData(importQuery(id).queryKey, (now) => now && { ...now, ...progress });
      if (!isAtWork(progress)) {
        void queries.invalidateQueries({ queryKey: ["imports", id] });
        void queries.invalidateQueries({ queryKey: ["imports", "recent"] });
      }
    });
  }, [atWork, id, queries]);
  return found;
}

/** Whether columns are missing between those that are shown: the reader may not read their fields. */
export function hidesColumns({ columns }: Pick<Import, "columns">): boolean {
  const first = columns[0]?.index ?? 0;
  return columns.some(({ index }, place) => index !== first + place);
}

export function isAtWork(found: Pick<Import, "status"> | undefined): boolean {
  return found?.status === "checking" || found?.status === "running";
}

type Progress = Pick<Import, "id" | "status" | "rows" | "valid" | "rejected" | "created" | "updated" | "skipped" | "failure">;

/** Calls `tell` with each progress that the stream brings. Returns what ends it. */
export function follow(url: string, tell: (progress: Progress) => void): () => void {
  const source = new EventSource(url);
  const hear = (event: MessageEvent<string>) => {
    const progress = JSON.parse(event.data) as Progress;
    if (progress.status) tell(progress);
  };
  source.onmessage = hear;
  source.addEventListener("progress", hear);
  // The token ended: with a fresh one the browser's own new try goes on from where it was.
  source.addEventListener("reauth", () => void refreshSession());
  source.addEventListener("closed", () => source.close());
  return () => source.close();
}
