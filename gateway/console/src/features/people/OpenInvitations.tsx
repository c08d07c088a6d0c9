/** Invitations that nobody has answered yet. */

import { Button, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { client, take } from "@/api/client";
import type { components } from "@/api/schema";
import { useFormat, usePreferences } from "@/app/preferences";
import { messageOf, reasonsOf } from "@/components/messages";
import { notifyDone, notifyFailed } from "@/components/notify";
import { Failure, Loading } from "@/components/States";
import { useRoleName } from "./names";

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
    onSuccess: () => notifyDone(t("invite.revoked")),
    onError: (error) => notifyFailed(messageOf(error, t)),
    onSettled: () => queries.invalidateQueries({ queryKey: ["invitations"] }),
  });
  const sending = useMutation({
    mutationFn: ({ email, role, team_id }: Invitation) =>
      take(client.POST("/v1/invitations", { body: { invitations: [{ email, role, team_id, language }] } })),
    onSuccess: () => notifyDone(t("invite.sent", { n: 1 })),
    onError: (error) => notifyFailed(reasonsOf(error, t)),
    onSettled: () => queries.invalidateQueries({ queryKey: ["invitations"] }),
  });
  if (invitations.isPending) return <Loading height={80} />;
  if (invitations.isError) return <Failure error={invitations.error} onRetry={() => void invitations.refetch()} />;
  const open = invitations.data.filter((each) => each.status === "open");
  if (open.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t("state.empty")}
      </Text>
    );
  }
  return (
    <Table.ScrollContainer minWidth={560} type="native" tabIndex={0}>
      <Table verticalSpacing={6} fz="sm">
        <Table.Tbody>
          {open.map((each) => (
            <Table.Tr key={each.id}>
              <Table.Td>{each.email}</Table.Td>
              <Table.Td>{roleName(each.role)}</Table.Td>
              <Table.Td c="dimmed">
                {each.valid ? t("invite.expires", { date: format.moment(each.expires_at) }) : t("invite.invalid")}
              </Table.Td>
              <Table.Td ta="right">
                {!each.valid && (
                  <Button variant="subtle" onClick={() => sending.mutate(each)} loading={sending.isPending && sending.variables.id === each.id}>
                    {t("invite.again")}
                  </Button>
                )}
                <Button variant="subtle" color="gray" onClick={() => revoking.mutate(each.id)} loading={revoking.isPending && revoking.variables === each.id}>
                  {t("invite.revoke")}
                </Button>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
