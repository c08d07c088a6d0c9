import { expect, test } from "vitest";
import { suggestedMatch } from "./mappingFields";

test("rows are offered to find their records by a code alone", () => {
  expect(suggestedMatch("contact", ["email", "customer_code"])).toBe("customer_code");
  expect(suggestedMatch("company", ["name", "corporate_number"])).toBe("corporate_number");
});

test("what several may share is not offered to find records by", () => {
  expect(suggestedMatch("contact", ["email", "phone", "mobile"])).toBeNull();
  expect(suggestedMatch("company", ["name"])).toBeNull();
});
