/** Teams: one level, by name. */

import { ActionIcon, Button, Group, Modal, Stack, Table, TextInput } from "@mantine/core";
import { IconPencil, IconPlus, IconTrash, IconUsersGroup } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { client, ifMatch, take } from "@/api/client";
import { errorsElsewhere, fieldErrors } from "@/api/problem";
import { teamsQuery } from "@/api/queries";
import type { Team } from "@/api/types";
import { useT } from "@/app/preferences";
import { Confirm } from "@/components/confirm";
import { useGuarded } from "@/components/guarded";
import { messageOf } from "@/components/messages";
import { notifyDone, notifyFailed } from "@/components/notify";
import { Page } from "@/components/Page";
import { Empty, Failure, FormError, Loading } from "@/components/States";

export function TeamsPage() {
  const t = useT();
  const queries = useQueryClient();
  const teams = useQuery(teamsQuery);
  const [edited, setEdited] = useState<Team | "new">();
  const [removed, setRemoved] = useState<Team>();
  const removing = useMutation({
    mutationFn: (team: Team) => take(client.DELETE("/v1/teams/{team_id}", { params: { path: { team_id: team.id }, header: ifMatch(team.version) } })),
    onSuccess: (_, team) => notifyDone(t("teams.deleted", { name: team.name })),
    onError: (error) => notifyFailed(messageOf(error, t)),
    onSettled: () => {
      setRemoved(undefined);
      void queries.invalidateQueries({ queryKey: teamsQuery.queryKey });
    },
  });
  const add = (
    <Button leftSection={<IconPlus size={15} />} onClick={() => setEdited("new")}>
      {t("teams.add")}
    </Button>
  );
  return (
    <Page title={t("teams.title")} lead={t("teams.lead")} narrow actions={add}>
      {teams.isPending ? (
        <Loading />
      ) : teams.isError ? (
        <Failure error={teams.error} onRetry={() => void teams.refetch()} />
      ) : teams.data.length === 0 ? (
        <Empty title={t("teams.emptyTitle")} text={t("teams.emptyText")} icon={IconUsersGroup}>
          {add}
        </Empty>
      ) : (
        <Table verticalSpacing={6} fz="sm">
          <Table.Tbody>
            {teams.data.map((team) => (
              <Table.Tr key={team.id}>
                <Table.Td fw={500}>{team.name}</Table.Td>
                <Table.Td c="dimmed">{t("teams.members", { n: team.members })}</Table.Td>
                <Table.Td>
                  <Group gap={4} justify="flex-end">
                    <ActionIcon variant="subtle" color="gray" aria-label={t("teams.rename", { name: team.name })} onClick={() => setEdited(team)}>
                      <IconPencil size={15} />
                    </ActionIcon>
                    <ActionIcon variant="subtle" color="gray" aria-label={t("teams.delete", { name: team.name })} onClick={() => setRemoved(team)}>
                      <IconTrash size={15} />
                    </ActionIcon>
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {edited && <TeamDialog team={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />}
      <Confirm
        opened={removed !== undefined}
        title={t("teams.confirmDelete", { name: removed?.name ?? "" })}
        text={t("teams.confirmDeleteText")}
        action={t("action.delete")}
        working={removing.isPending}
        onConfirm={() => removed && removing.mutate(removed)}
        onClose={() => setRemoved(undefined)}
      />
    </Page>
  );
}

function TeamDialog({ team, onClose }: { team: Team | undefined; onClose: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const [name, setName] = useState(team?.name ?? "");
  const saving = useMutation({
    mutationFn: () =>
      team
        ? take(client.PATCH("/v1/teams/{team_id}", { params: { path: { team_id: team.id }, header: ifMatch(team.version) }, body: { name } }))
        : take(client.POST("/v1/teams", { body: { name } })),
    onSuccess: () => {
      notifyDone(t(team ? "teams.renamed" : "teams.created", { name: name.trim() }));
      void queries.invalidateQueries({ queryKey: teamsQuery.queryKey });
      onClose();
    },
  });
  const { close, guard } = useGuarded(!saving.isSuccess && name !== (team?.name ?? ""), onClose);
  const errors = fieldErrors(saving.error);
  function submit(event: FormEvent) {
    event.preventDefault();
    saving.mutate();
  }
  return (
    <Modal
      opened
      onClose={close}
      title={team ? t("teams.rename", { name: team.name }) : t("teams.add")}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      {guard}
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <FormError error={saving.error} others={errorsElsewhere(errors, ["name"])} />
          <TextInput label={t("teams.name")} value={name} onChange={(event) => setName(event.currentTarget.value)} error={errors.name} data-autofocus required withAsterisk={false} />
          <Group justify="flex-end" gap={8}>
            <Button variant="default" onClick={onClose}>
              {t("action.cancel")}
            </Button>
            <Button type="submit" loading={saving.isPending}>
              {t("action.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
