/** The users of the company: their roles and teams, and the invitations that are open. */

import { ActionIcon, Avatar, Badge, Button, Group, Menu, Select, Table, Text, TextInput, Title } from "@mantine/core";
import { IconDots, IconLock, IconLockOpen, IconSearch, IconUserPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client, ifMatch, take } from "@/api/client";
import { teamsQuery, usersQuery } from "@/api/queries";
import type { User, UserPatch } from "@/api/types";
import { useT } from "@/app/preferences";
import { Dot } from "@/components/Dot";
import { reasonsOf } from "@/components/messages";
import { notifyDone, notifyFailed } from "@/components/notify";
import { Page } from "@/components/Page";
import { useMay, useMe } from "@/components/permissions";
import { Failure, Loading } from "@/components/States";
import { ConfirmRights, isPowerful } from "./ConfirmRights";
import { DisableDialog } from "./DisableDialog";
import { InviteDialog } from "./InviteDialog";
import { OpenInvitations } from "./OpenInvitations";
import { useRoleChoices, useRoleName } from "./names";

const route = getRouteApi("/inside/settings/users");

export function UsersPage() {
  const t = useT();
  const may = useMay();
  const navigate = useNavigate({ from: "/settings/users" });
  const { invite } = route.useSearch();
  const [filter, setFilter] = useState("");
  const [disabled, setDisabled] = useState<User>();
  const [promoted, setPromoted] = useState<{ user: User; role: string }>();
  const users = useQuery(usersQuery);
  const change = useChangeUser();
  const mayManage = may("users:manage");
  const isOwner = useMe()?.user.role === "owner";
  const wanted = filter.trim().toLowerCase();
  const shown = (users.data ?? []).filter((user) => `${user.display_name} ${user.email}`.toLowerCase().includes(wanted));
  return (
    <Page
      title={t("users.title")}
      actions={
        mayManage && (
          <Button leftSection={<IconUserPlus size={15} />} onClick={() => void navigate({ search: { invite: true } })}>
            {t("users.invite")}
          </Button>
        )
      }
    >
      {users.isPending ? (
        <Loading />
      ) : users.isError ? (
        <Failure error={users.error} onRetry={() => void users.refetch()} />
      ) : (
        <>
          <TextInput
            size="xs"
            maw={300}
            mb="sm"
            type="search"
            aria-label={t("users.search")}
            placeholder={t("users.search")}
            leftSection={<IconSearch size={15} />}
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value)}
          />
          {mayManage && (
            <Text size="xs" c="dimmed" mb="xs">
              {t(isOwner ? "users.ownRoleFixed" : "users.ownFixed")}
            </Text>
          )}
          <Table.ScrollContainer minWidth={720} type="native" tabIndex={0}>
            <Table verticalSpacing={6} fz="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("users.name")}</Table.Th>
                  <Table.Th w={180}>{t("users.role")}</Table.Th>
                  <Table.Th w={180}>{t("users.team")}</Table.Th>
                  <Table.Th w={100}>{t("users.status")}</Table.Th>
                  <Table.Th w={44} aria-label={t("record.more")} />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {shown.map((user) => (
                  <UserRow
                    key={user.id}
                    user={user}
                    mayManage={mayManage}
                    onChange={(patch) => {
                      // Both giving such rights and taking an owner's is asked by name.
                      if (patch.role && patch.role !== user.role && (isPowerful(patch.role) || user.role === "owner")) setPromoted({ user, role: patch.role });
                      else change.mutate({ user, patch });
                    }}
                    onDisable={() => setDisabled(user)}
                  />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          {mayManage && <Pending />}
        </>
      )}
      {mayManage && invite && <InviteDialog onClose={() => void navigate({ search: {}, replace: true })} />}
      {promoted && (
        <ConfirmRights
          names={[promoted.user.display_name]}
          role={promoted.role}
          before={promoted.user.role}
          onClose={() => setPromoted(undefined)}
          onConfirm={() => {
            change.mutate({ user: promoted.user, patch: { role: promoted.role } });
            setPromoted(undefined);
          }}
        />
      )}
      {disabled && (
        <DisableDialog
          user={disabled}
          isWorking={change.isPending}
          onClose={() => setDisabled(undefined)}
          onDisable={(successor_id) => {
            change.mutate({ user: disabled, patch: { disabled: true, successor_id } }, { onSettled: () => setDisabled(undefined) });
          }}
        />
      )}
    </Page>
  );
}

function Pending() {
  const t = useT();
  return (
    <section>
      <Title order={2} mt="xl" mb="xs">
        {t("invite.pending")}
      </Title>
      <OpenInvitations />
    </section>
  );
}

interface UserRowProps {
  user: User;
  mayManage: boolean;
  onChange: (patch: UserPatch) => void;
  onDisable: () => void;
}

function UserRow({ user, mayManage, onChange, onDisable }: UserRowProps) {
  const t = useT();
  const me = useMe();
  const roleName = useRoleName();
  const roles = useRoleChoices(me?.user.role, user.role);
  const { data: teams = [] } = useQuery(teamsQuery);
  const isSelf = user.id === me?.user.id;
  // Only owners change owners, and nobody changes their own role.
  const mayChange = mayManage && !isSelf && (user.role !== "owner" || me?.user.role === "owner");
  // Nobody changes their own team; an owner reaches every record anyway.
  const mayMove = mayManage && (!isSelf || user.role === "owner");
  const name = user.display_name;
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap={10} wrap="nowrap">
          <Avatar size={28} radius="xl" color="ai" aria-hidden>
            {name.slice(0, 1)}
          </Avatar>
          <div style={{ minWidth: 0 }}>
            <Text size="sm" fw={500}>
              {name}
              {isSelf && (
                <Badge ml={8} color="gray">
                  {t("state.you")}
                </Badge>
              )}
            </Text>
            <Text size="xs" c="dimmed">
              {user.email}
            </Text>
          </div>
        </Group>
      </Table.Td>
      <Table.Td>
        {mayChange ? (
          <Select size="xs" aria-label={t("users.roleOf", { name })} data={roles} value={user.role} onChange={(role) => role && onChange({ role })} allowDeselect={false} />
        ) : (
          roleName(user.role)
        )}
      </Table.Td>
      <Table.Td>
        {mayMove ? (
          <Select
            size="xs"
            aria-label={t("users.teamOf", { name })}
            placeholder={t("users.noTeam")}
            data={teams.map((team) => ({ value: team.id, label: team.name }))}
            value={user.team_id}
            onChange={(team_id) => onChange({ team_id })}
            clearable
          />
        ) : (
          (teams.find((team) => team.id === user.team_id)?.name ?? t("users.noTeam"))
        )}
      </Table.Td>
      <Table.Td>
<Dot color={user.disabled ? "red" : "green"}>{t(user.disabled ? "users.disabled" : "users.active")}</Dot>
      </Table.Td>
      <Table.Td>
        {mayChange && (
          <Menu>
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={t("users.more", { name })}>
                <IconDots size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {user.disabled ? (
                <Menu.Item leftSection={<IconLockOpen size={15} />} onClick={() => onChange({ disabled: false })}>
                  {t("users.enable")}
                </Menu.Item>
              ) : (
                <Menu.Item c="error" leftSection={<IconLock size={15} />} onClick={onDisable}>
                  {t("users.disable")}
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function useChangeUser() {
  const t = useT();
  const roleName = useRoleName();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ user, patch }: { user: User; patch: UserPatch }) =>
      take(client.PATCH("/v1/users/{user_id}", { params: { path: { user_id: user.id }, header: ifMatch(user.version) }, body: patch })),
    onSuccess: (saved, { patch }) => {
      const name = saved.display_name;
      if (patch.disabled !== undefined) notifyDone(t(patch.disabled ? "users.disabledDone" : "users.enabledDone", { name }));
      else if (patch.role) notifyDone(t("users.roleChanged", { name, role: roleName(saved.role) }));
      else notifyDone(t("users.changed", { name, team: queries.getQueryData(teamsQuery.queryKey)?.find((each) => each.id === saved.team_id)?.name ?? t("users.noTeam") }));
    },
    onError: (error) => notifyFailed(reasonsOf(error, t)),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: usersQuery.queryKey });
      void queries.invalidateQueries({ queryKey: teamsQuery.queryKey });
    },
  });
}
