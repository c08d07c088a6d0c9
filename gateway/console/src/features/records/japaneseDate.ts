/** Dates as people in Japan type them, read into the form that the API takes. */

import { ERA_DATE, FIRST_YEAR, WESTERN_DATE, YEAR_BEFORE } from "./japan";

/** The day in `text` as 2024-04-01: from 令和6年4月1日, R6.4.1 or 2024/4/1, in any width; undefined where no day is meant. */
export function readDate(text: string): string | undefined {
  const plain = text.normalize("NFKC").trim();
  const inEra = ERA_DATE.exec(plain);
  if (inEra) return dayOf(yearOf(inEra[1] ?? "", inEra[2] ?? ""), inEra[3], inEra[4]);
  const western = WESTERN_DATE.exec(plain);
  return western ? dayOf(Number(western[1]), western[2], western[3]) : undefined;
}

function yearOf(era: string, year: string): number {
  const number = year === FIRST_YEAR ? 1 : Number(year);
  return number === 0 ? 0 : number + (YEAR_BEFORE[era.toUpperCase()] ?? 0);
}

/** The day, if the calendar has it: 2月30日 would otherwise become one in March. */
function dayOf(year: number, month = "", day = ""): string | undefined {
  const iso = `${String(year).padStart(4, "0")}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const date = new Date(`${iso}T00:00:00Z`);
  return year > 0 && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(iso) ? iso : undefined;
}
