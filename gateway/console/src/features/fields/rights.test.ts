import { expect, test } from "vitest";
import type { Field } from "@/api/types";
import { mayAddRoles, mayChangeReading, mayChangeValues } from "./rights";

const field = (read_roles: string[] | null, write_roles: string[] | null) => ({ read_roles, write_roles }) as Field;

test("a field without lists may be deleted and changed by every role that manages fields", () => {
  expect(mayChangeValues(field(null, null), "admin")).toBe(true);
  expect(mayChangeReading(field(null, null), "admin")).toBe(true);
  expect(mayAddRoles(null, "admin")).toBe(true);
});

test("a role outside of the writers may neither delete a field nor change its values, but may change how it is read", () => {
  const restricted = field(null, ["manager"]);
  expect(mayChangeValues(restricted, "admin")).toBe(false);
  expect(mayChangeReading(restricted, "admin")).toBe(true);
  expect(mayAddRoles(restricted.write_roles, "admin")).toBe(false);
  expect(mayAddRoles(restricted.read_roles, "admin")).toBe(true);
  expect(mayChangeValues(restricted, "manager")).toBe(true);
});

test("a role outside of the readers may do nothing of it, whatever the writers' list says", () => {
  const restricted = field(["manager"], ["manager", "admin"]);
  expect(mayChangeValues(restricted, "admin")).toBe(false);
  expect(mayChangeReading(restricted, "admin")).toBe(false);
});

test("an owner may do everything, and nobody anything until their role is known", () => {
  const restricted = field(["manager"], ["manager"]);
  expect([mayChangeValues(restricted, "owner"), mayChangeReading(restricted, "owner"), mayAddRoles(["manager"], "owner")]).toEqual([true, true, true]);
  expect([mayChangeValues(field(null, null), undefined), mayChangeReading(field(null, null), undefined), mayAddRoles(null, undefined)]).toEqual([false, false, false]);
});
