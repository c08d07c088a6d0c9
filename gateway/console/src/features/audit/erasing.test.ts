import { afterEach, expect, test, vi } from "vitest";

afterEach(() => vi.unstubAllGlobals());

test("an erasure goes on where the last request ended, until nothing is left", async () => {
  const answers = [
    { entries: [], erased: 0, is_complete: false, next_cursor: "a" },
    { entries: [], erased: 3, is_complete: false, next_cursor: "b" },
    { entries: [], erased: 2, is_complete: true, next_cursor: null },
  ];
  const asked: unknown[] = [];
  vi.stubGlobal("window", { location: { origin: "http://daicho.test" } });
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(await request.json());
    return Response.json(answers[asked.length - 1]);
  });
  const { eraseAll } = await import("./erasing");
  const body = { record_id: "r", reason: "privacy_request" } as const;
  expect(await eraseAll(body)).toBe(5);
  expect(asked).toEqual([null, "a", "b"].map((cursor) => ({ ...body, cursor })));
});
