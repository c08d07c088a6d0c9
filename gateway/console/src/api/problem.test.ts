import { expect, test } from "vitest";
import { errorsBelow, errorsElsewhere, fieldErrors, nameOf, Problem, problemOf } from "./problem";

const problem = problemOf(422, {
  status: 422,
  code: "invalid",
  detail: "入力内容を確認してください。",
  errors: [
    { pointer: "/emails/0/address", code: "invalid_email", detail: "形式が違います" },
    { pointer: "/custom/rank", code: "required", detail: "入力してください" },
    { pointer: "/custom/rank", code: "unknown_option", detail: "選択肢にありません" },
    { pointer: "", code: "invalid", detail: "全体がおかしい" },
  ],
});

test("a pointer becomes a dotted name", () => {
  expect(nameOf("/emails/0/address")).toBe("emails.0.address");
  expect(nameOf("/a~1b/c~0d")).toBe("a/b.c~d");
  expect(nameOf("")).toBe("");
});

test("each field has the first of its faults", () => {
  expect(fieldErrors(problem)).toEqual({
    "emails.0.address": "形式が違います",
    "custom.rank": "入力してください",
    "": "全体がおかしい",
  });
});

test("faults below a field are found by what is left of their names", () => {
  expect(errorsBelow(fieldErrors(problem), "emails")).toEqual({ "0.address": "形式が違います" });
  expect(errorsBelow(fieldErrors(problem), "custom.rank")).toEqual({ "": "入力してください" });
  expect(errorsBelow(fieldErrors(problem), "email")).toEqual({});
});

test("no fault is lost: what no field shows stands above the form", () => {
  expect(errorsElsewhere(fieldErrors(problem), ["emails"])).toEqual(["custom.rank: 入力してください", "全体がおかしい"]);
});

test("an answer that is no problem document is a problem all the same", () => {
  expect(problemOf(502, "<html>").code).toBe("unexpected");
  expect(problemOf(502, undefined).isPassing).toBe(true);
  expect(problemOf(0, undefined).code).toBe("network");
});

test("what the server refuses does not pass by itself", () => {
  expect(problem).toBeInstanceOf(Problem);
  expect(problem.isPassing).toBe(false);
});
