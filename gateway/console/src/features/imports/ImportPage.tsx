/** One import, at whichever step it is. The steps follow its status, so a reload loses nothing. */

import { Alert, Anchor, Button, Group, Progress, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconLock, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { Import } from "@/api/types";
import { useFormat, useT } from "@/app/preferences";
import { Page } from "@/components/Page";
import { useUserName } from "@/components/people";
import { useMe } from "@/components/permissions";
import { Failure, FormError, Loading } from "@/components/States";
import { hidesColumns, importQuery, startRun, useLiveImport } from "./api";
import { Errors } from "./Errors";
import { Mapping } from "./Mapping";
import styles from "./imports.module.css";

const route = getRouteApi("/inside/imports/$id");
const STEPS = ["upload", "map", "check", "run"] as const;

export function ImportPage() {
  const t = useT();
  const { id } = route.useParams();
  const me = useMe();
  const found = useLiveImport(id);
  const [isMapping, setMapping] = useState(false);
  const status = found.data?.status;
  useEffect(() => {
    if (status !== "checked") setMapping(false);
  }, [status]);
  if (found.isPending) return <Loading />;
  if (found.isError && !found.data) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  const { data } = found;
  const isOwn = data.created_by === me?.user.id;
  const showsMapping = data.status === "mapping" || isMapping;
  return (
    <Page title={data.file_name || t("imports.title")} narrow>
      <Steps current={showsMapping ? 1 : data.status === "checking" || data.status === "checked" ? 2 : 3} />
      <Limits found={data} isOwn={isOwn} />
      {showsMapping ? (
        <Mapping found={data} isReadOnly={!isOwn} onChecking={() => setMapping(false)} />
      ) : data.status === "checking" ? (
        <Checking found={data} />
      ) : data.status === "checked" ? (
        <Checked found={data} isOwn={isOwn} onMapping={() => setMapping(true)} />
      ) : data.status === "running" ? (
        <Running found={data} />
      ) : (
        <Finished found={data} isOwn={isOwn} />
      )}
    </Page>
  );
}

function Steps({ current }: { current: number }) {
  const t = useT();
  return (
    <ol className={styles.steps}>
      {STEPS.map((step, place) => (
        <li key={step} className={styles.step} data-state={place < current ? "done" : undefined} aria-current={place === current ? "step" : undefined}>
          {t(`imports.step.${step}`)}
        </li>
      ))}
    </ol>
  );
}

/** What the reader may not do with this import, and may not see of it. */
function Limits({ found, isOwn }: { found: Import; isOwn: boolean }) {
  const t = useT();
  const uploader = useUserName()(found.created_by) ?? t("state.unknownUser");
  const isOpen = found.status === "mapping" || found.status === "checked";
  const lines = [
    !isOwn && isOpen ? t("imports.ofAnother", { name: uploader }) : "",
    hidesColumns(found) ? t("imports.hiddenColumns") : "",
  ].filter(Boolean);
  if (lines.length === 0) return null;
  return (
    <Alert variant="light" color="gray" icon={<IconLock size={16} />} mb="lg" p="sm">
      {lines.map((line) => (
        <Text size="sm" key={line}>
          {line}
        </Text>
      ))}
      {!isOwn && isOpen && (
        <Anchor component={Link} to="/imports" size="sm">
          {t("imports.uploadYourself")}
        </Anchor>
      )}
    </Alert>
  );
}

function Figures({ figures }: { figures: { label: string; value: number; isBad?: boolean }[] }) {
  const format = useFormat();
  return (
    <dl className={styles.figures}>
      {figures.map(({ label, value, isBad }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd data-bad={(isBad && value > 0) || undefined}>{format.number(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Checking({ found }: { found: Import }) {
  const t = useT();
  return (
    <Stack gap="md" role="status" aria-live="polite">
      <Title order={2}>{t("imports.checking")}</Title>
      <Progress value={100} striped animated aria-label={t("imports.checking")} size="md" />
      <Text size="sm" c="dimmed" className="tabular">
        {t("imports.rowsSoFar", { n: found.rows })}
      </Text>
      <Text size="sm" c="dimmed">
        {t("imports.checkLead")}
      </Text>
    </Stack>
  );
}

function useRun(found: Import) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => startRun(found.id),
    onSuccess: () => queries.invalidateQueries({ queryKey: importQuery(found.id).queryKey, exact: true }),
  });
}

function Checked({ found, isOwn, onMapping }: { found: Import; isOwn: boolean; onMapping: () => void }) {
  const t = useT();
  const running = useRun(found);
  return (
    <Stack gap="lg">
      <Text size="sm" c="dimmed">
        {t("imports.checkLead")}
      </Text>
      <Figures
        figures={[
          { label: t("imports.rows"), value: found.rows },
          { label: t("imports.valid"), value: found.valid },
          { label: t("imports.rejected"), value: found.rejected, isBad: true },
        ]}
      />
      <FormError error={running.error} />
      {isOwn && (
        <Group gap={8}>
          <Button size="sm" leftSection={<IconPlayerPlay size={15} />} disabled={found.valid === 0} loading={running.isPending} onClick={() => running.mutate()}>
            {t("imports.run", { n: found.valid })}
          </Button>
          <Button size="sm" variant="default" onClick={onMapping}>
            {t("imports.toMapping")}
          </Button>
        </Group>
      )}
      {found.rejected > 0 ? (
        <Errors id={found.id} />
      ) : (
        <Alert color="teal" variant="light" icon={<IconCircleCheck size={16} />}>
          {t("imports.noErrors")}
        </Alert>
      )}
    </Stack>
  );
}

function Running({ found }: { found: Import }) {
  const t = useT();
  const done = found.created + found.updated + found.skipped;
  return (
    <Stack gap="md" role="status" aria-live="polite">
      <Title order={2}>{t("imports.running")}</Title>
      <Progress value={found.valid === 0 ? 0 : (100 * done) / found.valid} aria-label={t("imports.running")} size="md" />
      <Text size="sm" className="tabular">
        {t("imports.progress", { n: done, total: found.valid })}
      </Text>
      <Text size="sm" c="dimmed">
        {t("imports.runningHint")}
      </Text>
    </Stack>
  );
}

function Finished({ found, isOwn }: { found: Import; isOwn: boolean }) {
  const t = useT();
  const queries = useQueryClient();
  const path = found.resource === "company" ? "companies" : "contacts";
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: [path, "list"] });
  }, [queries, path]);
  const hasFailed = found.status === "failed";
  const running = useRun(found);
  const goesOn = isOwn && hasFailed && found.created + found.updated > 0 && found.failure !== "expired";
  return (
    <Stack gap="lg">
      <Alert
        color={hasFailed ? "red" : "teal"}
        variant="light"
        icon={hasFailed ? <IconAlertTriangle size={18} /> : <IconCircleCheck size={18} />}
        title={t(hasFailed ? "imports.failed" : "imports.done")}
        role={hasFailed ? "alert" : "status"}
      >
        {hasFailed ? (
          <>
            {found.failure_detail && <div>{found.failure_detail}</div>}
            {t("imports.failedText")}
          </>
        ) : null}
      </Alert>
      <Figures
        figures={[
          { label: t("imports.created"), value: found.created },
          { label: t("imports.updated"), value: found.updated },
          { label: t("imports.skipped"), value: found.skipped },
          { label: t("imports.rejected"), value: found.rejected, isBad: true },
        ]}
      />
      <FormError error={running.error} />
      <Group gap={8}>
        {goesOn && (
          <Button size="sm" leftSection={<IconPlayerPlay size={15} />} loading={running.isPending} onClick={() => running.mutate()}>
            {t("imports.goOn")}
          </Button>
        )}
        <Button size="sm" variant={goesOn ? "default" : "filled"} component={Link} to={`/${path}`}>
          {t(path === "contacts" ? "imports.seeContacts" : "imports.seeCompanies")}
        </Button>
        <Button size="sm" variant="default" component={Link} to="/imports">
          {t("imports.again")}
        </Button>
      </Group>
      {found.rejected > 0 && <Errors id={found.id} />}
    </Stack>
  );
}
