/** Numbers as Japan writes them. */

import { areaLength } from "./areaCodes";

/** Free, shared-cost and premium calls: 0120-123-456. */
const OF_COMPANIES = /^0(?:120|800|570|990)\d{6}$/;
/** Mobile and internet telephones: 090-1234-5678. */
const OF_NO_PLACE = /^0[25789]0\d{8}$/;

/** +819012345678 → 090-1234-5678. A number of another country stays as it is. */
export function nationalPhone(e164: string): string {
  if (!/^\+81\d{9,10}$/.test(e164)) return e164;
  const digits = `0${e164.slice(3)}`;
  if (OF_COMPANIES.test(digits)) return grouped(digits, 4, 3);
  const area = OF_NO_PLACE.test(digits) ? 3 : areaLength(digits);
  return grouped(digits, area, digits.length - area - 4);
}

function grouped(digits: string, area: number, exchange: number): string {
  return [digits.slice(0, area), digits.slice(area, area + exchange), digits.slice(area + exchange)].join("-");
}

/** 「〒１００－０００１」 → 1000001; undefined while it is no whole code. */
export function postalDigits(text: string): string | undefined {
  const digits = text.normalize("NFKC").replace(/[〒\s\p{Pd}−ー]/gu, "");
  return /^\d{7}$/.test(digits) ? digits : undefined;
}

/** 1000001 → 〒100-0001 */
export function postalCode(digits: string): string {
  return /^\d{7}$/.test(digits) ? `〒${digits.slice(0, 3)}-${digits.slice(3)}` : digits;
}
