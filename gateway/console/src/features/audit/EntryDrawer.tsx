/** One entry of the log, and the file that proves it. */

import { ActionIcon, Alert, Button, CopyButton, Drawer, Stack, Text, Title } from "@mantine/core";
import { IconCheck, IconCopy, IconDownload } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { client, take } from "@/api/client";
import type { AuditEntry } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { messageOf } from "@/components/messages";
import { notifyFailed } from "@/components/notify";
import { useUserName } from "@/components/people";
import { Content, Fact } from "./Content";
import type { RecordNames } from "./recordNames";
import { RecordName, useThingName } from "./things";
import styles from "./audit.module.css";
import { entryActionName, actorName, resourceName } from "./words";

export function EntryDrawer({ entry, names, onClose }: { entry: AuditEntry; names: RecordNames; onClose: () => void }) {
  const { translate: t, format } = usePreferences();
  const userName = useUserName();
  const proof = useProof(entry.id);
  const checkpoint = useQuery({ queryKey: ["audit", "checkpoint"], queryFn: () => take(client.GET("/v1/audit/checkpoint")), staleTime: 60_000 });
  const facts: [string, React.ReactNode][] = [
    [t("audit.number"), entry.sequence],
    [t("audit.time"), format.moment(entry.time)],
    [t("audit.actor"), actorName(entry, userName, t)],
    [t("audit.action"), entryActionName(entry, t)],
    [t("audit.what"), <Target key="what" entry={entry} names={names} />],
    [t("audit.address"), entry.address],
  ];
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size={480}
      title={t("audit.entry")}
      closeButtonProps={{ "aria-label": t("action.close") }}
      transitionProps={{ duration: 120 }}
    >
      <Stack gap="lg" pb="lg">
        <dl className={styles.facts}>
          {facts
            .filter(([, value]) => value !== null && value !== "")
            .map(([name, value]) => (
              <Fact key={name} name={name} value={value} />
            ))}
        </dl>
        <section>
          <Title order={3} mb={6}>
            {t("audit.payload")}
          </Title>
          {entry.payload ? (
            <Content entry={entry} payload={entry.payload} names={names} />
          ) : (
            <Alert variant="light" color="gray">
              {t("audit.erased")}
            </Alert>
          )}
        </section>
        <section>
          <Title order={3} mb={6}>
            {t("audit.proving")}
          </Title>
          <Button leftSection={<IconDownload size={15} />} loading={proof.isPending} onClick={() => proof.mutate()}>
            {t("audit.proof")}
          </Button>
          <Text size="xs" c="dimmed" mt={6}>
            {t("audit.proofHint")}
          </Text>
          <Verifying entry={entry} />
          {checkpoint.data && (
            <Text size="xs" c="dimmed" mt={6} className="tabular">
              {t("audit.checkpoint", { n: checkpoint.data.size })}
            </Text>
          )}
        </section>
      </Stack>
    </Drawer>
  );
}

function Target({ entry, names }: { entry: AuditEntry; names: RecordNames }) {
  const { translate: t } = usePreferences();
  const { type, id } = entry.resource;
  const name = useThingName(names)(entry);
  return (
    <>
      {resourceName(type, t)} {type === "contact" || type === "company" ? id && <RecordName resource={type} id={id} names={names} /> : name}
      {id && (
        <Text size="xs" c="dimmed" className="mono">
          {id}
        </Text>
      )}
    </>
  );
}

/** The key, to be kept apart from proofs, and what to type. */
function Verifying({ entry }: { entry: AuditEntry }) {
  const { translate: t } = usePreferences();
  const { data } = useQuery({ queryKey: ["audit", "key"], queryFn: () => take(client.GET("/v1/audit/key")), staleTime: Infinity });
  if (!data) return null;
  return (
    <dl className={styles.verifying}>
      <dt id="audit-key">{t("audit.key")}</dt>
      <dd>
        <Copied text={data.key} labelledBy="audit-key" />
      </dd>
      <dt id="audit-command">{t("audit.command")}</dt>
      <dd>
        <Copied text={`daicho audit verify ${proofName(entry.id)} --key "${data.key}"`} labelledBy="audit-command" />
      </dd>
    </dl>
  );
}

function Copied({ text, labelledBy }: { text: string; labelledBy: string }) {
  const { translate: t } = usePreferences();
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <div className={styles.copied}>
          <code aria-labelledby={labelledBy} role="textbox" aria-readonly tabIndex={0}>
            {text}
          </code>
          <ActionIcon variant="subtle" color="gray" aria-label={t(copied ? "action.copied" : "action.copy")} onClick={copy}>
            {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
          </ActionIcon>
        </div>
      )}
    </CopyButton>
  );
}

/** Fetched rather than linked to, so that a refusal is told here and not as a page of its own. */
function useProof(id: string) {
  const { translate: t } = usePreferences();
  return useMutation({
    mutationFn: () => take(client.GET("/v1/audit/entries/{entry_id}/proof", { params: { path: { entry_id: id } }, parseAs: "blob" })),
    onSuccess: (file) => {
      const url = URL.createObjectURL(file as Blob);
      const link = document.createElement("a");
      link.href = url;
      link.download = proofName(id);
      link.click();
      URL.revokeObjectURL(url);
    },
    onError: (error) => notifyFailed(`${t("audit.proofFailed")} ${messageOf(error, t)}`),
  });
}

function proofName(id: string): string {
  return `audit-proof-${id}.json`;
}
