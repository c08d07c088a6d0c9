/** Days, moments, numbers and money as the reader wants them. */

import type { Language } from "@/i18n";
import type { Money } from "@/api/types";

export type Calendar = "gregory" | "japanese";

export interface Formatters {
  /** A day such as `2026-11-21`. */
  day: (iso: string) => string;
  /** A moment, in the time of this device. */
  moment: (iso: string) => string;
  /** A moment as briefly as a list wants it. */
  brief: (iso: string) => string;
  number: (value: number) => string;
  money: (value: Money) => string;
}

export function formatters(language: Language, calendar: Calendar): Formatters {
  const locale = language === "ja" ? "ja-JP" : "en-GB";
  const place = `${locale}-u-ca-${calendar}`;
  const date: Intl.DateTimeFormatOptions = {
    era: calendar === "japanese" ? "long" : undefined,
    year: "numeric",
    month: language === "ja" ? "long" : "short",
    day: "numeric",
  };
  const days = new Intl.DateTimeFormat(place, { ...date, timeZone: "UTC" });
  const moments = new Intl.DateTimeFormat(place, { ...date, hour: "2-digit", minute: "2-digit" });
  const times = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
  const local = new Intl.DateTimeFormat(place, date);
  const numbers = new Intl.NumberFormat(locale);
  return {
    day: (iso) => formatted(days, `${iso}T00:00:00Z`, iso),
    moment: (iso) => formatted(moments, iso, iso),
    brief: (iso) => formatted(isToday(iso) ? times : local, iso, iso),
    number: (value) => numbers.format(value),
    money: ({ amount, currency = "JPY" }) => moneyText(locale, amount, currency),
  };
}

/** How many minor units the currency has: 0 for yen, 2 for dollars. */
export function minorDigits(currency: string): number {
  try {
    const options = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions();
    return options.maximumFractionDigits ?? 0;
  } catch {
    return 0;
  }
}

function moneyText(locale: string, amount: number, currency: string): string {
  const value = amount / 10 ** minorDigits(currency);
  try {
    return new Intl.NumberFormat(locale, { style: "currency", currency }).format(value);
  } catch {
    return `${value} ${currency}`;
  }
}

function formatted(format: Intl.DateTimeFormat, iso: string, fallback: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? fallback : format.format(date);
}

function isToday(iso: string): boolean {
  const date = new Date(iso);
  return !Number.isNaN(date.getTime()) && date.toDateString() === new Date().toDateString();
}
