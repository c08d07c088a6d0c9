/** Taking away what the log says of one person: cannot be undone, so it is typed, not clicked. */

import { Alert, Button, Group, List, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { errorsElsewhere, fieldErrors } from "@/api/problem";
import type { ErasureReason } from "@/api/types";
import { useT } from "@/app/preferences";
import { useGuarded } from "@/components/guarded";
import { notifyDone } from "@/components/notify";
import { FormError } from "@/components/States";
import { eraseAll } from "./erasing";
import { RecordPicker, type Picked } from "./RecordPicker";

export const REASONS = ["privacy_request", "retention_ended", "unlawfully_obtained", "legal_order"] as const satisfies readonly ErasureReason[];
const CONSEQUENCES = ["erasure.goes", "erasure.stays", "erasure.ledger", "erasure.final"] as const;

export function ErasureDialog({ onClose }: { onClose: () => void }) {
  const t = useT();
  const [person, setPerson] = useState<Picked | null>(null);
  const [reason, setReason] = useState<ErasureReason | null>(null);
  const [typed, setTyped] = useState("");
  const erasing = useErasing(onClose);
  const errors = fieldErrors(erasing.error);
  const { close, guard } = useGuarded(!erasing.isSuccess && person !== null, onClose);
  const isReady = person !== null && reason !== null && typed.trim() === t("erasure.word");
  function submit(event: FormEvent) {
    event.preventDefault();
    if (isReady) erasing.mutate({ record_id: person.id, reason });
  }
  return (
    <Modal opened onClose={close} size={520} title={t("erasure.title")} closeButtonProps={{ "aria-label": t("action.close") }}>
      {guard}
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <FormError error={erasing.error} others={errorsElsewhere(errors, ["record_id", "reason"])} />
          <Alert color="red" variant="light" icon={<IconAlertTriangle size={16} />}>
            <List size="sm" spacing={4}>
              {CONSEQUENCES.map((key) => (
                <List.Item key={key}>{t(key)}</List.Item>
              ))}
            </List>
          </Alert>
          <RecordPicker
            label={t("erasure.person")}
            description={t("erasure.personHelp")}
            resources={["contact"]}
            value={person?.id ?? null}
            onChange={(picked) => {
              setPerson(picked);
              setTyped("");
            }}
            error={errors.record_id}
          />
          <Select
            label={t("erasure.reason")}
            data={REASONS.map((value) => ({ value, label: t(`erasure.reason.${value}`) }))}
            value={reason}
            onChange={setReason}
            error={errors.reason}
          />
          {person && (
            <Text size="sm" fw={500}>
              {t("erasure.whom", { name: person.label })}
            </Text>
          )}
          <TextInput label={t("erasure.type", { word: t("erasure.word") })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" />
          <Group justify="flex-end" gap={8}>
            <Button variant="default" onClick={onClose}>
              {t("action.cancel")}
            </Button>
            <Button type="submit" color="red" loading={erasing.isPending} disabled={!isReady}>
              {t("erasure.submit")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function useErasing(onDone: () => void) {
  const t = useT();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: eraseAll,
    onSuccess: (erased) => {
      notifyDone(t(erased === 0 ? "erasure.nothing" : "erasure.done", { n: erased }));
      onDone();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["audit"] }),
  });
}
