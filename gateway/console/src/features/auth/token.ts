/** The token of a mailed link. It stands behind the #, which browsers send to nobody. */

import { useRouterState } from "@tanstack/react-router";

export function useLinkToken(): string | undefined {
  const hash = useRouterState({ select: (state) => state.location.hash });
  return readToken(hash);
}

/** `token=abc` → `abc`. */
export function readToken(hash: string): string | undefined {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token") ?? undefined;
}
