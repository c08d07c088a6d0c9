import { expect, test } from "vitest";
import { problemOf } from "@/api/problem";
import { say, type Translate } from "@/i18n";
import { en } from "@/i18n/en";
import { messageOf, readingMessageOf } from "./messages";

const t: Translate = (key, params) => say(en, key, params);

test("a body that is too large is told in megabytes", () => {
  const problem = problemOf(413, { code: "too_large", detail: "The data is too large (limit 64000000 bytes).", limit: 64_000_000 });
  expect(messageOf(problem, t)).toBe("This is too large (limit 64 MB). Split it into smaller parts.");
});

test("an answer without words says that the service is away when asking again may help", () => {
  expect(messageOf(problemOf(504, "upstream request timeout"), t)).toBe(en["problem.away"]);
  expect(messageOf(problemOf(500, undefined), t)).toBe(en["problem.unexpected"]);
});

test("a page that cannot be read says nothing about saving", () => {
  const busy = problemOf(429, { code: "too_busy", detail: "Nothing was changed; retry in 1 seconds." });
  const away = problemOf(503, { code: "unavailable", detail: "Your change was not saved." });
  const streams = problemOf(429, { code: "too_many_streams", detail: "At most 8 may be open at once." });
  expect(readingMessageOf(busy, t)).toBe(en["problem.busy"]);
  expect(readingMessageOf(away, t)).toBe(en["problem.away"]);
  expect(readingMessageOf(streams, t)).toBe("At most 8 may be open at once.");
  expect(messageOf(away, t)).toBe("Your change was not saved.");
});

test("a page that cannot be read names the condition that is wrong", () => {
  const errors = [{ pointer: "/q", code: "too_long", detail: "200 characters at most." }];
  expect(readingMessageOf(problemOf(422, { code: "invalid", detail: "Please check the fields.", errors }), t)).toBe("200 characters at most.");
});
