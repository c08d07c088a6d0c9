/** The types of fields: their icons, and what may be set of each. */

import {
  IconAlignLeft,
  IconAt,
  IconCalendar,
  IconCalendarClock,
  IconCheckbox,
  IconCurrencyYen,
  IconDecimal,
  IconLink,
  IconListCheck,
  IconNumber123,
  IconPhone,
  IconSelect,
  IconTextSize,
  IconUser,
  IconWorld,
  type Icon,
} from "@tabler/icons-react";
import type { FieldType } from "@/api/types";

export const TYPE_ICONS: Record<FieldType, Icon> = {
  text: IconTextSize,
  long_text: IconAlignLeft,
  integer: IconNumber123,
  decimal: IconDecimal,
  money: IconCurrencyYen,
  date: IconCalendar,
  datetime: IconCalendarClock,
  boolean: IconCheckbox,
  select: IconSelect,
  multi_select: IconListCheck,
  url: IconWorld,
  email: IconAt,
  phone: IconPhone,
  user: IconUser,
  link: IconLink,
};

export const FIELD_TYPES = Object.keys(TYPE_ICONS) as FieldType[];

const TEXTUAL: FieldType[] = ["text", "long_text", "url", "email", "phone"];
const UNSORTABLE: FieldType[] = ["long_text", "multi_select"];
const UNIQUE: FieldType[] = ["text", "integer", "date", "url", "email", "phone", "link"];

export const hasOptions = (type: FieldType): boolean => type === "select" || type === "multi_select";
export const canBeSearched = (type: FieldType): boolean => TEXTUAL.includes(type);
export const canBeSorted = (type: FieldType): boolean => !UNSORTABLE.includes(type);
export const canBeUnique = (type: FieldType): boolean => UNIQUE.includes(type);
export const hasLength = (type: FieldType): boolean => type === "text" || type === "long_text";
