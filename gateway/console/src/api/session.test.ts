import { afterEach, expect, test, vi } from "vitest";
import { fetchInSession, onSignedOut } from "./session";

const BASE = "http://daicho.test";

/** A server whose access cookie is worth nothing until it is refreshed. */
function server({ refreshes }: { refreshes: boolean }) {
  const asked: string[] = [];
  let isFresh = false;
  vi.stubGlobal("fetch", async (input: Request | string) => {
    const path = typeof input === "string" ? input : new URL(input.url).pathname;
    asked.push(path);
    if (path === "/v1/sessions/refresh") {
      isFresh = refreshes;
      return new Response(null, { status: refreshes ? 200 : 401 });
    }
    return new Response(null, { status: isFresh ? 200 : 401 });
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

test("a request whose session has aged is sent again with a fresh one", async () => {
  const asked = server({ refreshes: true });
  const answer = await fetchInSession(new Request(`${BASE}/v1/me`));
  expect(answer.status).toBe(200);
  expect(asked).toEqual(["/v1/me", "/v1/sessions/refresh", "/v1/me"]);
});

test("requests that age together share one refresh", async () => {
  const asked = server({ refreshes: true });
  await Promise.all([1, 2, 3].map(() => fetchInSession(new Request(`${BASE}/v1/me`))));
  expect(asked.filter((path) => path === "/v1/sessions/refresh")).toHaveLength(1);
});

test("a session that cannot be refreshed is told as over", async () => {
  server({ refreshes: false });
  const heard = vi.fn();
  const forget = onSignedOut(heard);
  const answer = await fetchInSession(new Request(`${BASE}/v1/me`));
  forget();
  expect(answer.status).toBe(401);
  expect(heard).toHaveBeenCalledOnce();
});

test("a wrong password is not taken for a session that is over", async () => {
  const asked = server({ refreshes: true });
  await fetchInSession(new Request(`${BASE}/v1/sessions`, { method: "POST" }));
  expect(asked).toEqual(["/v1/sessions"]);
});
