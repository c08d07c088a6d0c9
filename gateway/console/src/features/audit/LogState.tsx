/** Whether the log is still what was signed; shown only when it is not. */

import { Alert } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { client, take } from "@/api/client";
import { usePreferences } from "@/app/preferences";
import { isKey, type Translate } from "@/i18n";
import styles from "./audit.module.css";

const EVERY_MINUTE = 60_000;

export function LogState() {
  const { translate: t } = usePreferences();
  const status = useQuery({
    queryKey: ["audit", "status"],
    queryFn: ({ signal }) => take(client.GET("/v1/audit/status", { signal })),
    refetchInterval: EVERY_MINUTE,
  });
  if (status.data?.state !== "forked") return null;
  return (
    <Alert color="red" role="alert" icon={<IconAlertTriangle size={16} />} title={t("audit.forked")} className={styles.forked}>
      <p>{forkReason(status.data.reason, t)}</p>
      <p>{t("audit.forkedNext")}</p>
    </Alert>
  );
}

/** Why the log is forked, in the words of its reader. */
export function forkReason(reason: string | null, t: Translate): string {
  const key = `audit.fork.${reason ?? ""}`;
  return isKey(key) ? t(key) : (reason ?? "");
}
