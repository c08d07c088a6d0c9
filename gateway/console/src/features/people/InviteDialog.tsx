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
import { useMe } from "@/components/permissions";
import { FormError } from "@/components/States";
import { emailsIn } from "./emails";
import { useRoleChoices } from "./names";

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const { translate: t, language } = usePreferences();
  const me = useMe();
  const queries = useQueryClient();
  const roles = useRoleChoices(me?.user.role);
  const { data: teams = [] } = useQuery(teamsQuery);
  const [text, setText] = useState("");
  const [role, setRole] = useState("member");
  const [team, setTeam] = useState<string | null>(null);
  const { emails, others } = emailsIn(text);
  // Said once it matters: while one types, every address is none yet.
  const [isTold, setTold] = useState(false);
  const inviting = useMutation({
    mutationFn: (wanted: string[]) =>
      take(client.POST("/v1/invitations", { body: { invitations: wanted.map((email) => ({ email, role, team_id: team, language })) } })),
    onSuccess: (_, wanted) => {
      notifyDone(t("invite.sent", { n: wanted.length }));
      void queries.invalidateQueries({ queryKey: ["invitations"] });
      onClose();
    },
  });
  const { close, guard } = useGuarded(!inviting.isSuccess && text.trim() !== "", onClose);
  const lines = Object.entries(fieldErrors(inviting.error)).map(([name, message]) => {
    const place = /^invitations\.(\d+)/.exec(name)?.[1];
    const email = place === undefined ? undefined : inviting.variables?.[Number(place)];
    return email ? t("invite.line", { email, message }) : message;
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setTold(true);
    if (emails.length > 0 && others.length === 0) inviting.mutate(emails);
  }
  return (
    <Modal opened onClose={close} title={t("invite.title")} closeButtonProps={{ "aria-label": t("action.close") }}>
      {guard}
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
            onChange={(event) => setText(event.currentTarget.value)}
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
          <Group justify="space-between">
            <Text size="xs" c="dimmed" className="truncate" maw={220}>
              {emails.slice(0, 3).join(", ")}
            </Text>
            <Group gap={8}>
              <Button variant="default" onClick={onClose}>
                {t("action.cancel")}
              </Button>
              <Button type="submit" loading={inviting.isPending} disabled={text.trim() === ""}>
                {emails.length > 0 ? t("invite.submit", { n: emails.length }) : t("invite.submitNone")}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
