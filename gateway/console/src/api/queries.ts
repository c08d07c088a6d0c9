/** What is asked for from many places, with its place in the cache. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { client, take } from "./client";
import type { Page, Resource, User } from "./types";

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: () => take(client.GET("/v1/me")),
  staleTime: 60_000,
});

export const usersQuery = queryOptions({
  queryKey: ["users"],
  queryFn: () => everyPage<User>((cursor) => take(client.GET("/v1/users", { params: { query: { limit: 200, cursor } } }))),
  staleTime: 60_000,
});

export const teamsQuery = queryOptions({
  queryKey: ["teams"],
  queryFn: async () => (await take(client.GET("/v1/teams"))).items,
  staleTime: 60_000,
});

export const rolesQuery = queryOptions({
  queryKey: ["roles"],
  queryFn: async () => (await take(client.GET("/v1/roles"))).items,
  staleTime: 60_000,
});

export function fieldsQuery(resource: Resource) {
  return queryOptions({
    queryKey: ["fields", resource],
    queryFn: async () => (await take(client.GET("/v1/fields", { params: { query: { resource } } }))).items,
    staleTime: 60_000,
  });
}

/** A list that goes on by cursor. */
export function pagesQuery<T>(key: readonly unknown[], ask: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => ask(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
  });
}

/** The cursor after `page`; undefined at the end. A page may be empty and still go on. */
export function nextCursor(page: Page<unknown>): string | undefined {
  return page.next_cursor ?? undefined;
}

/** The items of all pages, each once: one that moved while we paged may come twice. */
export function itemsOf<T>(pages: readonly Page<T>[] | undefined, key: (item: T) => string | number): T[] {
  const seen = new Set<string | number>();
  const found: T[] = [];
  for (const page of pages ?? []) {
    for (const item of page.items) {
      const id = key(item);
      if (!seen.has(id)) {
        seen.add(id);
        found.push(item);
      }
    }
  }
  return found;
}

/** Every item of a list that is known to be short enough to hold. */
export async function everyPage<T>(ask: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    found.push(...page.items);
    cursor = nextCursor(page);
  } while (cursor !== undefined);
  return found;
}
