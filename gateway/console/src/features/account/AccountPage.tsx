/** One's own account: who one is here, how the console looks, the password, and where one is signed in. */

import { Button, Group, SegmentedControl, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconMail } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, type ReactNode } from "react";
import { client, ifMatch, take } from "@/api/client";
import { meQuery, teamsQuery, usersQuery } from "@/api/queries";
import type { Me } from "@/api/types";
import { useLooks } from "@/app/looks";
import { useT } from "@/app/preferences";
import { messageOf } from "@/components/messages";
import { notifyDone, notifyFailed } from "@/components/notify";
import { Page } from "@/components/Page";
import { useMay } from "@/components/permissions";
import { Failure, FormError, Loading } from "@/components/States";
import { useForm } from "@/components/useForm";
import { useRoleName } from "@/features/people/names";
import { LeaveGuard } from "@/features/records/LeaveGuard";
import styles from "./account.module.css";
import { Sessions } from "./Sessions";

export function AccountPage() {
  const t = useT();
  const me = useQuery(meQuery);
  return (
    <Page title={t("nav.account")} narrow>
      {me.data ? (
        <>
          <Profile key={me.data.user.id} me={me.data} />
          <Looks />
          <Password me={me.data} />
          <Part title={t("mine.sessions")}>
            <Sessions />
          </Part>
        </>
      ) : me.isError ? (
        <Failure error={me.error} onRetry={() => void me.refetch()} />
      ) : (
        <Loading />
      )}
    </Page>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className={styles.part} aria-labelledby={id}>
      <Title order={2} id={id}>
        {title}
      </Title>
      <div className={styles.content}>{children}</div>
    </section>
  );
}

function Profile({ me }: { me: Me }) {
  const t = useT();
  const { user } = me;
  const queries = useQueryClient();
  const form = useForm({
    initial: { display_name: user.display_name, language: user.language },
    send: (body) =>
      take(client.PATCH("/v1/users/{user_id}", { params: { path: { user_id: user.id }, header: ifMatch(user.version) }, body }))
        // Refused because somebody changed this user meanwhile: the next try knows of it.
        .finally(() => void queries.invalidateQueries({ queryKey: meQuery.queryKey })),
    onDone: (saved) => {
      notifyDone(t("state.saved"));
      queries.setQueryData(meQuery.queryKey, { ...me, user: saved });
      void queries.invalidateQueries({ queryKey: usersQuery.queryKey });
    },
  });
  const isDirty = form.values.display_name !== user.display_name || form.values.language !== user.language;
  return (
    <Part title={t("mine.profile")}>
      <LeaveGuard isDirty={isDirty} />
      <form {...form.form}>
        <Stack gap="md">
          <FormError error={form.error} others={form.others} />
          <Facts me={me} />
          <div className={styles.inputs}>
            <TextInput label={t("account.displayName")} {...form.text("display_name")} autoComplete="name" required withAsterisk={false} />
            <Select
              label={t("mine.mailLanguage")}
              data={(["ja", "en"] as const).map((value) => ({ value, label: t(`language.${value}`) }))}
              value={form.values.language}
              onChange={(language) => form.set("language", language === "en" ? "en" : "ja")}
              error={form.errors.language}
              allowDeselect={false}
            />
          </div>
          <Group justify="flex-end">
            <Button type="submit" loading={form.isSending} disabled={!isDirty}>
              {t("action.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Part>
  );
}

/** What only others can change. */
function Facts({ me }: { me: Me }) {
  const t = useT();
  const may = useMay();
  const roleName = useRoleName();
  const { data: teams } = useQuery({ ...teamsQuery, enabled: may("teams:read") && me.user.team_id !== null });
  const team = me.user.team_id === null ? t("users.noTeam") : teams?.find((each) => each.id === me.user.team_id)?.name;
  const facts = [
    [t("account.email"), me.user.email],
    [t("account.company"), me.tenant.company_name],
    [t("account.tenant"), me.tenant.code],
    [t("users.role"), roleName(me.user.role)],
    [t("users.team"), team],
  ];
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Looks() {
  const t = useT();
  const looks = useLooks();
  return (
    <Part title={t("mine.looks")}>
      <Text size="sm" c="dimmed" mb="md">
        {t("mine.looksHelp")}
      </Text>
      <Stack gap="sm">
        {looks.map(({ name, title, value, choices }) => (
          <div key={name} className={styles.look}>
            <Text size="sm" id={`look-${name}`}>
              {title}
            </Text>
            <SegmentedControl
              size="sm"
              aria-labelledby={`look-${name}`}
              value={value}
              onChange={(wanted) => choices.find((choice) => choice.value === wanted)?.choose()}
              data={choices.map((choice) => ({ value: choice.value, label: <span lang={choice.lang}>{choice.label}</span> }))}
            />
          </div>
        ))}
      </Stack>
    </Part>
  );
}

function Password({ me }: { me: Me }) {
  const t = useT();
  const asking = useMutation({
    mutationFn: () => take(client.POST("/v1/password-resets", { body: { tenant: me.tenant.code, email: me.user.email } })),
    onSuccess: () => notifyDone(t("mine.passwordSent", { email: me.user.email })),
    onError: (error) => notifyFailed(messageOf(error, t)),
  });
  return (
    <Part title={t("account.password")}>
      <Text size="sm" c="dimmed" mb="md">
        {t("mine.passwordHelp")}
      </Text>
      <Button variant="default" leftSection={<IconMail size={15} />} loading={asking.isPending} onClick={() => asking.mutate()}>
        {t("mine.passwordSend")}
      </Button>
    </Part>
  );
}
