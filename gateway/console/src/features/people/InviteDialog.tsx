/** Many people asked in at once. */

import { Button, Group, Modal, Select, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { client, take } from "@/api/client";
import { fieldErrors } from "@/api/problem";
import { teamsQuery } from "@/api/queries";
import { usePreferences } from "@/app/preferences";
import { useGuarded } from "@/components/guarded";
import { notifyDone } from "@/components/notify";
import { useDraft } from "@/components/useDraft";
import { useMe } from "@/components/permissions";
import { FormError } from "@/components/States";
import { ConfirmRights, isPowerful } from "./ConfirmRights";
import { useRoleChoices, useRoleName } from "./names";
import { pastedIn, ROLE_NAMES, type Invited } from "./pasted";
import styles from "./InviteDialog.module.css";

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const { translate: t, language } = usePreferences();
  const me = useMe();
  const queries = useQueryClient();
  const roles = useRoleChoices(me?.user.role);
  const { data: teams = [] } = useQuery(teamsQuery);
  const roleName = useRoleName();
  const { draft, set, drop } = useDraft("invite", { text: "" });
  const { text } = draft;
  const [asked, setAsked] = useState<Invited[]>();
  const [role, setRole] = useState("member");
  const [team, setTeam] = useState<string | null>(null);
  const { invited, others } = pastedIn(text, ROLE_NAMES);
  // Said once it matters: while one types, every address is none yet.
  const [isTold, setTold] = useState(false);
  const inviting = useMutation({
    mutationFn: (wanted: Invited[]) =>
      take(client.POST("/v1/invitations", { body: { invitations: wanted.map((each) => ({ email: each.email, role: each.role ?? role, team_id: team, language })) } })),
    onSuccess: (_, wanted) => {
      drop();
      notifyDone(wanted.length === 1 ? t("invite.sentTo", { email: wanted[0]?.email ?? "" }) : t("invite.sent", { n: wanted.length }));
      void queries.invalidateQueries({ queryKey: ["invitations"] });
      onClose();
    },
  });
  function giveUp() {
    drop();
    onClose();
  }
  const { close, guard } = useGuarded(!inviting.isSuccess && text.trim() !== "", giveUp);
  const lines = Object.entries(fieldErrors(inviting.error)).map(([name, message]) => {
    const place = /^invitations\.(\d+)/.exec(name)?.[1];
    const email = place === undefined ? undefined : inviting.variables?.[Number(place)]?.email;
    return email ? t("invite.line", { email, message }) : message;
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setTold(true);
    if (invited.length === 0 || others.length > 0) return;
    const powerful = invited.filter((each) => isPowerful(each.role ?? role));
    if (powerful.length > 0) setAsked(powerful);
    else inviting.mutate(invited);
  }
  return (
    <Modal opened onClose={close} title={t("invite.title")} closeButtonProps={{ "aria-label": t("action.close") }}>
      {guard}
      {asked && (
        <ConfirmRights
          names={asked.map((each) => t("invite.withRole", { email: each.email, role: roleName(each.role ?? role) }))}
          role={roleOf(asked, role)}
          onClose={() => setAsked(undefined)}
          onConfirm={() => {
            setAsked(undefined);
            inviting.mutate(invited);
          }}
        />
      )}
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <FormError error={inviting.error} others={lines} />
          <Textarea
            label={t("invite.emails")}
            description={t("invite.lead")}
            autosize
            minRows={4}
            maxRows={12}
            value={text}
            onChange={(event) => set({ text: event.currentTarget.value })}
            error={isTold && others.length > 0 && t("invite.notUnderstood", { parts: others.join(t("list.separator")) })}
            data-autofocus
          />
          <Group grow align="flex-start">
            <Select label={t("invite.role")} data={roles} value={role} onChange={(value) => setRole(value ?? "member")} allowDeselect={false} />
            <Select
              label={t("invite.team")}
              placeholder={t("users.noTeam")}
              data={teams.map((each) => ({ value: each.id, label: each.name }))}
              value={team}
              onChange={setTeam}
              clearable
            />
          </Group>
          {invited.some((each) => each.role) && (
            <ul className={styles.preview} aria-label={t("invite.preview")}>
              {invited.map((each) => (
                <li key={each.email}>{t("invite.withRole", { email: each.email, role: roleName(each.role ?? role) })}</li>
              ))}
            </ul>
          )}
          <Group justify="space-between">
            <Text size="xs" c="dimmed" className="truncate" maw={220}>
              {invited.slice(0, 3).map((each) => each.email).join(", ")}
            </Text>
            <Group gap={8}>
              <Button variant="default" onClick={giveUp}>
                {t("action.cancel")}
              </Button>
              <Button type="submit" loading={inviting.isPending} disabled={text.trim() === ""}>
                {invited.length > 0 ? t("invite.submit", { n: invited.length }) : t("invite.submitNone")}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** The most powerful role that is given. */
function roleOf(asked: readonly Invited[], role: string): string {
  return asked.some((each) => (each.role ?? role) === "owner") ? "owner" : "admin";
}
