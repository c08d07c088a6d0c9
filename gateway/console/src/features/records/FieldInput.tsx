/** The input of a field, by its type. */

import { Checkbox, MultiSelect, NumberInput, Select, TagsInput, Textarea, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { errorsBelow, type FieldErrors } from "@/api/problem";
import type { Money } from "@/api/types";
import { minorDigits } from "@/app/dates";
import { useT } from "@/app/preferences";
import { useUserChoices } from "@/components/people";
import { DateInput } from "./DateInput";
import { EmailsInput, PhonesInput } from "./ReachInputs";
import { PREFECTURES } from "./japan";
import { nationalPhone } from "./numbers";
import { PostalCodeInput } from "./PostalCodeInput";
import { CompanyNameInput, RecordSelect, type InputProps } from "./RecordSelect";
import type { FieldSpec } from "./specs";
import type { Values } from "./values";

export interface FieldInputProps {
  spec: FieldSpec;
  value: unknown;
  onChange: (value: unknown) => void;
  errors: FieldErrors;
  autoFocus?: boolean;
  /** Changes other fields of the form along with this one. */
  onFill?: (change: (now: Values) => Values) => void;
}

export const LIFECYCLES = ["lead", "prospect", "customer", "former", "other"] as const;

export function FieldInput({ spec, value, onChange, errors, autoFocus, onFill }: FieldInputProps): ReactNode {
  const t = useT();
  const below = errorsBelow(errors, spec.name);
  const error = below[""] ?? Object.values(below)[0];
  const common = {
    label: spec.label,
    description: spec.help,
    error,
    required: spec.required,
    disabled: spec.readOnly,
    "data-autofocus": autoFocus || undefined,
    autoFocus,
  };
  const text = value === null || value === undefined ? "" : String(value);
  const onText = (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value);
  switch (spec.type) {
    case "emails":
      return <EmailsInput label={spec.label} value={value} onChange={onChange} errors={below} autoFocus={autoFocus} />;
    case "phones":
      return <PhonesInput label={spec.label} value={value} onChange={onChange} errors={below} autoFocus={autoFocus} />;
    case "long_text":
      return <Textarea {...common} value={text} onChange={onText} autosize minRows={3} maxRows={14} maxLength={spec.maxLength ?? undefined} />;
    case "integer":
      return <NumberInput {...common} value={text} onChange={(next) => onChange(next === "" ? null : Number(next))} allowDecimal={false} thousandSeparator="," />;
    case "decimal":
      return <NumberInput {...common} value={text} onChange={(next) => onChange(next === "" ? null : String(next))} decimalScale={spec.scale} />;
    case "money":
      return <MoneyInput {...common} value={value as Money | null} currency={spec.currency ?? "JPY"} onChange={onChange} />;
    case "date":
      return <DateInput {...common} value={text} onChange={onChange} />;
    case "datetime":
      return <TextInput {...common} type="datetime-local" value={toLocal(text)} onChange={(event) => onChange(fromLocal(event.currentTarget.value))} />;
    case "boolean":
      return spec.required ? (
        <Checkbox {...common} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} mt={6} />
      ) : (
        <Select
          {...common}
          value={value === true ? "true" : value === false ? "false" : null}
          onChange={(next) => onChange(next === null ? null : next === "true")}
          data={[
            { value: "true", label: t("state.yes") },
            { value: "false", label: t("state.no") },
          ]}
          clearable
        />
      );
    case "select":
      return <Select {...common} value={text || null} onChange={onChange} data={optionsOf(spec, [text])} searchable={(spec.options?.length ?? 0) > 8} clearable={!spec.required} />;
    case "multi_select":
      return <MultiSelect {...common} value={(value as string[] | null) ?? []} onChange={onChange} data={optionsOf(spec, (value as string[] | null) ?? [])} searchable clearable />;
    case "lifecycle":
      return <Select {...common} value={text || null} onChange={onChange} data={LIFECYCLES.map((each) => ({ value: each, label: t(`lifecycle.${each}`) }))} allowDeselect={false} />;
    case "prefecture":
      return <Select {...common} value={text || null} onChange={onChange} data={PREFECTURES} searchable clearable />;
    case "tags":
      return <TagsInput {...common} value={(value as string[] | null) ?? []} onChange={onChange} clearable />;
    case "user":
      return <UserSelect {...common} value={text || null} onChange={onChange} />;
    case "phone":
      return <TextInput {...common} type="tel" value={nationalPhone(text)} onChange={onText} />;
    case "email":
      return <TextInput {...common} type="email" value={text} onChange={onText} />;
    case "url":
      return <TextInput {...common} type="url" value={text} onChange={onText} placeholder="https://" />;
    case "postal_code":
      return <PostalCodeInput {...common} value={text} onChange={onChange} name={spec.name} onFill={onFill} />;
    case "company_name":
      return <CompanyNameInput {...common} value={text} onChange={onChange} />;
    case "link":
      return <RecordSelect {...common} resource={spec.linkResource === "company" ? "company" : "contact"} value={text || null} onChange={onChange} />;
    default:
      return <TextInput {...common} value={text} onChange={onText} maxLength={spec.maxLength ?? undefined} />;
  }
}

function UserSelect({ value, onChange, ...common }: InputProps & { value: string | null; onChange: (value: unknown) => void }) {
  return <Select {...common} {...useUserChoices([value])} value={value} onChange={onChange} searchable clearable />;
}

interface MoneyInputProps extends InputProps {
  value: Money | null;
  currency: string;
  onChange: (value: unknown) => void;
}

function MoneyInput({ value, currency, onChange, ...common }: MoneyInputProps) {
  const code = value?.currency ?? currency;
  const digits = minorDigits(code);
  const unit = 10 ** digits;
  return (
    <NumberInput
      {...common}
      value={value ? value.amount / unit : ""}
      onChange={(next) => onChange(next === "" ? null : { amount: Math.round(Number(next) * unit), currency: code })}
      thousandSeparator=","
      decimalScale={digits}
      leftSection={code === "JPY" ? "¥" : code}
      leftSectionWidth={code === "JPY" ? 30 : 48}
    />
  );
}

function optionsOf(spec: FieldSpec, kept: string[]): { value: string; label: string }[] {
  return (spec.options ?? [])
    .filter((option) => !option.archived || kept.includes(option.value))
    .map((option) => ({ value: option.value, label: option.label || option.value }));
}

function toLocal(iso: string): string {
  const date = new Date(iso);
  if (iso === "" || Number.isNaN(date.getTime())) return "";
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

function fromLocal(text: string): string | null {
  const date = new Date(text);
  return text === "" || Number.isNaN(date.getTime()) ? null : date.toISOString();
}
