/** Reminds of the address that is still to be confirmed, for as long as it is. */

import { Text } from "@mantine/core";
import { useMe } from "@/components/permissions";
import { SendAgain } from "@/features/auth/SendAgain";
import { useT } from "./preferences";
import styles from "./Shell.module.css";

export function Unconfirmed() {
  const t = useT();
  const me = useMe();
  if (!me || me.tenant.email_confirmed || me.user.role !== "owner") return null;
  return (
    <div className={styles.notice} role="status">
      <Text size="sm">{t("confirm.pending", { email: me.user.email })}</Text>
      <SendAgain tenant={me.tenant.code} email={me.user.email} />
    </div>
  );
}
