/** A day, typed as people write it or picked from the browser's calendar. */

import { ActionIcon, TextInput } from "@mantine/core";
import { IconCalendar } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useT } from "@/app/preferences";
import styles from "./DateInput.module.css";
import { readDate } from "./japaneseDate";
import type { InputProps } from "./RecordSelect";

interface DateInputProps extends InputProps {
  value: string;
  onChange: (value: unknown) => void;
}

/** What cannot be read as a day goes to the API as it was typed, which says at the field what is wrong. */
export function DateInput({ value, onChange, ...common }: DateInputProps) {
  const t = useT();
  const calendar = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(value);
  const meant = readDate(typed) ?? typed;
  return (
    <TextInput
      {...common}
      value={meant === value ? typed : value}
      placeholder={t("input.datePlaceholder")}
      autoComplete="off"
      onChange={(event) => {
        const text = event.currentTarget.value;
        setTyped(text);
        onChange(readDate(text) ?? text);
      }}
      onBlur={() => setTyped(meant)}
      rightSection={
        <>
          <ActionIcon variant="subtle" color="gray" size={26} disabled={common.disabled} aria-label={t("input.calendar", { field: String(common.label) })} onClick={() => calendar.current?.showPicker()}>
            <IconCalendar size={16} />
          </ActionIcon>
          <input
            ref={calendar}
            type="date"
            className={styles.calendar}
            tabIndex={-1}
            aria-hidden
            max="9999-12-31"
            value={readDate(value) ?? ""}
            onChange={(event) => onChange(event.currentTarget.value)}
          />
        </>
      }
    />
  );
}
