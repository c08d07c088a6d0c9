/** A new record: all sections at once. */

import { Button, Group, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState, type FormEvent } from "react";
import { newIdempotencyKey } from "@/api/client";
import { errorsElsewhere, fieldErrors, Problem } from "@/api/problem";
import type { Resource } from "@/api/types";
import { useT } from "@/app/preferences";
import { notifyDone } from "@/components/notify";
import { Page } from "@/components/Page";
import { FormError } from "@/components/States";
import { useFocusOnFault } from "@/components/useFocusOnFault";
import { createRecord, recordQuery } from "./api";
import { FieldInput } from "./FieldInput";
import styles from "./Section.module.css";
import { LeaveGuard } from "./LeaveGuard";
import { pathOf, type SectionSpec } from "./specs";
import { isEmpty, nest, type Values } from "./values";

interface NewRecordProps {
  resource: Resource;
  sections: SectionSpec[];
}

export function NewRecordPage({ resource, sections }: NewRecordProps) {
  const t = useT();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const path = pathOf(resource);
  const once = useRef(newIdempotencyKey());
  const [draft, setDraft] = useState<Values>({});
  const fields = sections.flatMap((section) => section.fields).filter((field) => !field.readOnly);
  const valueOf = (name: string) => (name in draft ? draft[name] : fields.find((field) => field.name === name)?.initial);
  const creating = useMutation({
    mutationFn: () => {
      const values = Object.fromEntries(fields.map((field) => [field.name, valueOf(field.name)]));
      const given = fields.map((field) => field.name).filter((name) => !isEmpty(values[name]));
      return createRecord(resource, nest(values, given), once.current);
    },
    onSuccess: (record) => {
      queries.setQueryData(recordQuery(resource, record.id).queryKey, record);
      void queries.invalidateQueries({ queryKey: [path, "list"] });
      notifyDone(t("record.created.done"));
      void navigate({ to: `/${path}/${record.id}`, replace: true, ignoreBlocker: true });
    },
    onError: (error) => {
      // A key belongs to one body. One that was refused is put right and sent as another; one whose answer
      // did not arrive is sent again as it is.
      if (!(error instanceof Problem && error.isPassing)) once.current = newIdempotencyKey();
    },
  });
  const errors = fieldErrors(creating.error);
  const form = useFocusOnFault(creating.error);

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!creating.isPending) creating.mutate();
  }
  const save = (
    <>
      <Button variant="default" onClick={() => void navigate({ to: `/${path}` })}>
        {t("action.cancel")}
      </Button>
      <Button type="submit" form="new-record" loading={creating.isPending}>
        {t("action.save")}
      </Button>
    </>
  );
  return (
    <Page title={t(`${path}.newTitle`)} narrow actions={<Group gap={8} visibleFrom="sm">{save}</Group>}>
      <LeaveGuard isDirty={Object.keys(draft).length > 0 && !creating.isSuccess} />
      <form ref={form} id="new-record" onSubmit={submit} noValidate>
        <FormError error={creating.error} others={errorsElsewhere(errors, fields.map((field) => field.name))} />
        {sections.map((section) => (
          <section key={section.key} className={styles.section}>
            <Title order={2} size="h3" mb={8}>
              {section.title}
            </Title>
            <div className={styles.inputs}>
              {section.fields
                .filter((field) => !field.readOnly)
                .map((spec) => (
                  <div key={spec.name} data-wide={spec.wide || undefined}>
                    <FieldInput
                      spec={spec}
                      value={valueOf(spec.name)}
                      onChange={(value) => setDraft((now) => ({ ...now, [spec.name]: value }))}
                      onFill={setDraft}
                      errors={errors}
                      autoFocus={spec.name === fields[0]?.name}
                    />
                  </div>
                ))}
            </div>
          </section>
        ))}
        <Group gap={8} justify="flex-end" mt="md" hiddenFrom="sm">
          {save}
        </Group>
      </form>
    </Page>
  );
}
