/** The session lives in HttpOnly cookies that no script reads; here it is only kept fresh, or found to be over. */

type Listener = () => void;

const listeners = new Set<Listener>();
let refreshing: Promise<boolean> | undefined;

/** Calls `listener` when the session turns out to be over. */
export function onSignedOut(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Asks for a new access cookie; callers that come together share one request. False when the session is over. */
export function refreshSession(): Promise<boolean> {
  refreshing ??= fetch("/v1/sessions/refresh", {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json" },
    // The refresh token comes with the cookies.
    body: "{}",
  })
    .then((answer) => answer.ok)
    .catch(() => false)
    .finally(() => {
      refreshing = undefined;
    });
  return refreshing;
}

/** `fetch`, once more with a fresh session where the first answer is 401. */
export async function fetchInSession(request: Request): Promise<Response> {
  const again = isSigningIn(request) ? undefined : request.clone();
  const answer = await fetch(request);
  if (answer.status !== 401 || again === undefined) return answer;
  if (await refreshSession()) return fetch(again);
  for (const listener of listeners) listener();
  return answer;
}

/** Signing in: there a 401 says that the password is wrong, not that the session is over. */
function isSigningIn(request: Request): boolean {
  return request.method === "POST" && new URL(request.url).pathname === "/v1/sessions";
}
