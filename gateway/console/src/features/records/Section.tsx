/** One section of a record: read, or edited in place. */

import { ActionIcon, Button, Group, Title } from "@mantine/core";
import { IconPencil } from "@tabler/icons-react";
import { useId, useState, type FormEvent, type KeyboardEvent } from "react";
import { errorsElsewhere, type FieldErrors } from "@/api/problem";
import { useT } from "@/app/preferences";
import { FormError } from "@/components/States";
import { useFocusOnFault } from "@/components/useFocusOnFault";
import { FieldInput } from "./FieldInput";
import { FieldValue } from "./FieldValue";
import { LeaveGuard } from "./LeaveGuard";
import styles from "./Section.module.css";
import type { SectionSpec } from "./specs";
import { changedNames, isEmpty, type Values } from "./values";

interface SectionProps {
  section: SectionSpec;
  values: Values;
  isEditing: boolean;
  /** Undefined where nothing may be changed. */
  onEdit?: () => void;
  onCancel: () => void;
  onSave: (draft: Values) => void;
  isSaving: boolean;
  error: unknown;
  errors: FieldErrors;
}

export function Section(props: SectionProps) {
  const { section, isEditing, onEdit } = props;
  const t = useT();
  const id = useId();
  return (
    <section className={styles.section} aria-labelledby={id}>
      <header className={styles.head}>
        <Title order={2} size="h3" id={id}>
          {section.title}
        </Title>
        {onEdit && !isEditing && (
          <ActionIcon variant="subtle" color="gray" size={28} className={styles.pencil} aria-label={t("record.editSection", { section: section.title })} onClick={onEdit}>
            <IconPencil size={15} />
          </ActionIcon>
        )}
      </header>
      {isEditing ? <Editor {...props} /> : <Shown {...props} />}
    </section>
  );
}

function Shown({ section, values, onEdit }: SectionProps) {
  const t = useT();
  return (
    <dl className={styles.values} onDoubleClick={onEdit}>
      {section.fields.map((spec) => (
        <div key={spec.name} className={styles.pair} data-wide={spec.wide || undefined}>
          <dt>{spec.label}</dt>
          <dd>
            {isEmpty(values[spec.name]) ? (
              <span className={styles.none} title={t("state.none")}>
                —
              </span>
            ) : (
              <FieldValue spec={spec} value={values[spec.name]} />
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Editor({ section, values, onCancel, onSave, isSaving, error, errors }: SectionProps) {
  const t = useT();
  const form = useFocusOnFault(error);
  const [draft, setDraft] = useState(values);
  const names = section.fields.map((spec) => spec.name);
  const first = section.fields.find((spec) => !spec.readOnly)?.name;
  const isDirty = changedNames(values, draft, names).length > 0;
  function submit(event: FormEvent) {
    event.preventDefault();
    onSave(draft);
  }
  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    // Escape takes back what is easily typed again, not what took work.
    if (event.key === "Escape" && !isDirty) onCancel();
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) onSave(draft);
  }
  return (
    <form ref={form} onSubmit={submit} onKeyDown={onKeyDown} noValidate>
      <LeaveGuard isDirty={isDirty} />
      <FormError error={error} others={errorsElsewhere(errors, names)} />
      <div className={styles.inputs}>
        {section.fields.map((spec) => (
          <div key={spec.name} data-wide={spec.wide || undefined}>
            <FieldInput
              spec={spec}
              value={draft[spec.name]}
              onChange={(value) => setDraft((now) => ({ ...now, [spec.name]: value }))}
              onFill={setDraft}
              errors={errors}
              autoFocus={spec.name === first}
            />
          </div>
        ))}
      </div>
      <Group gap={8} justify="flex-end" mt="md">
        <Button variant="default" onClick={onCancel}>
          {t("action.cancel")}
        </Button>
        <Button type="submit" loading={isSaving}>
          {t("action.save")}
        </Button>
      </Group>
    </form>
  );
}
