/** Invitations that nobody has answered yet. */

import { Button, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { client, take } from "@/api/client";
import type { components } from "@/api/schema";
import { useFormat, usePreferences } from "@/app/preferences";
import { Dot } from "@/components/Dot";
import { messageOf, reasonsOf } from "@/components/messages";
import { notifyDone, notifyFailed } from "@/components/notify";
import { Failure, Loading } from "@/components/States";
import { useRoleName } from "./names";
import styles from "./OpenInvitations.module.css";

type Invitation = components["schemas"]["InvitationView"];

export function OpenInvitations() {
  const { translate: t, language } = usePreferences();
  const format = useFormat();
  const roleName = useRoleName();
  const queries = useQueryClient();
  const invitations = useQuery({
    queryKey: ["invitations"],
    queryFn: async () => (await take(client.GET("/v1/invitations"))).items,
  });
  const revoking = useMutation({
    mutationFn: (id: string) => take(client.DELETE("/v1/invitations/{invitation_id}", { params: { path: { invitation_id: id } } })),
    onSuccess: (_, id) => notifyDone(t("invite.revoked", { email: invitations.data?.find((each) => each.id === id)?.email ?? "" })),
    onError: (error) => notifyFailed(messageOf(error, t)),
    onSettled: () => queries.invalidateQueries({ queryKey: ["invitations"] }),
  });
  const sending = useMutation({
    mutationFn: ({ email, role, team_id }: Invitation) =>
      take(client.POST("/v1/invitations", { body: { invitations: [{ email, role, team_id, language }] } })),
    onSuccess: (_, { email }) => notifyDone(t("invite.sentTo", { email })),
    onError: (error) => notifyFailed(reasonsOf(error, t)),
    onSettled: () => queries.invalidateQueries({ queryKey: ["invitations"] }),
  });
  if (invitations.isPending) return <Loading height={80} />;
  if (invitations.isError) return <Failure error={invitations.error} onRetry={() => void invitations.refetch()} />;
  const open = invitations.data.filter((each) => each.status === "open");
  if (open.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t("invite.none")}
      </Text>
    );
  }
  return (
    <ul className={styles.list}>
      {open.map((each) => (
        <li key={each.id} className={styles.row}>
          <div className={styles.who}>
            <Text size="sm" className={styles.email}>
              {each.email}
            </Text>
            <Text size="xs" c="dimmed">
              {roleName(each.role)}
            </Text>
          </div>
          <div className={styles.state}>
            <Dot color={each.valid ? "green" : "red"}>
              {each.valid ? t("invite.expires", { date: format.moment(each.expires_at) }) : t(hasExpired(each) ? "invite.expired" : "invite.invalid")}
            </Dot>
          </div>
          <div className={styles.actions}>
            {!each.valid && (
              <Button
                variant="default"
                aria-label={t("invite.againTo", { email: each.email })}
                onClick={() => sending.mutate(each)}
                loading={sending.isPending && sending.variables.id === each.id}
              >
                {t("invite.again")}
              </Button>
            )}
            <Button
              variant="subtle"
              color="gray"
              aria-label={t("invite.revokeOf", { email: each.email })}
              onClick={() => revoking.mutate(each.id)}
              loading={revoking.isPending && revoking.variables === each.id}
            >
              {t("invite.revoke")}
            </Button>
          </div>
        </li>
      ))}
    </ul>
  );
}

function hasExpired(invitation: Invitation): boolean {
  return new Date(invitation.expires_at) <= new Date();
}
