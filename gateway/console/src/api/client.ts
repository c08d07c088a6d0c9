/** The one way to the API: typed by OpenAPI, in the reader's language, problems thrown as `Problem`. */

import createClient from "openapi-fetch";
import { currentLanguage } from "@/i18n";
import type { paths } from "./schema";
import { Problem, problemOf } from "./problem";
import { fetchInSession } from "./session";

export const client = createClient<paths>({
  baseUrl: typeof window === "undefined" ? "" : window.location.origin,
  credentials: "same-origin",
  fetch: fetchInSession,
});

client.use({
  onRequest({ request }) {
    request.headers.set("accept-language", currentLanguage());
    return request;
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What was asked for. Throws a Problem for every answer that is not a success, and when none comes. */
export async function take<T>(asking: Promise<Answer<T>>): Promise<T> {
  const { data } = await answered(asking);
  return data as T;
}

/** As `take`, with the response for its headers. */
export async function answered<T>(asking: Promise<Answer<T>>): Promise<Answer<T>> {
  let answer: Answer<T>;
  try {
    answer = await asking;
  } catch (error) {
    if (error instanceof Problem || isAborted(error)) throw error;
    throw problemOf(0, undefined);
  }
  if (!answer.response.ok) throw problemOf(answer.response.status, answer.error);
  return answer;
}

/** If-Match for the version that the user has seen. */
export function ifMatch(version: number): { "If-Match": string } {
  return { "If-Match": `"v${version}"` };
}

/** A key that makes a creating request have its effect once, however often it is sent. */
export function newIdempotencyKey(): { "Idempotency-Key": string } {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return { "Idempotency-Key": Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") };
}

function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
