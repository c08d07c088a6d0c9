/** Over a page whose session has ended: signing in again there loses nothing of what is on it. */

import { Anchor, Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { client, take } from "@/api/client";
import { Problem } from "@/api/problem";
import { onSignedOut } from "@/api/session";
import type { Me } from "@/api/types";
import { useSignOut } from "@/app/AccountMenu";
import { useT } from "@/app/preferences";
import { useMe } from "@/components/permissions";
import { FormError } from "@/components/States";
import { useForm } from "@/components/useForm";

export function SessionEnded() {
  const me = useMe();
  const [hasEnded, setEnded] = useState(false);
  useEffect(() => onSignedOut(() => setEnded(true)), []);
  return hasEnded && me ? <SignInAgain me={me} onDone={() => setEnded(false)} /> : null;
}

function SignInAgain({ me, onDone }: { me: Me; onDone: () => void }) {
  const t = useT();
  const queries = useQueryClient();
  const signOut = useSignOut();
  const form = useForm({
    initial: { password: "" },
    send: ({ password }) =>
      take(client.POST("/v1/sessions", { body: { tenant: me.tenant.code, email: me.user.email, password, cookies: true } })),
    onDone: () => {
      onDone();
      void queries.invalidateQueries();
    },
  });
  const isWrong = form.error instanceof Problem && form.error.status === 401;
  return (
    <Modal opened onClose={() => undefined} withCloseButton={false} closeOnEscape={false} closeOnClickOutside={false} title={t("signIn.endedTitle")}>
      <form {...form.form}>
        <Stack gap="md">
          <Text size="sm">{t("signIn.endedText", { name: me.user.display_name })}</Text>
          {!isWrong && <FormError error={form.error} others={form.others} />}
          <PasswordInput
            label={t("account.password")}
            {...form.text("password")}
            error={isWrong ? t("signIn.wrongPassword") : form.text("password").error}
            autoComplete="current-password"
            data-autofocus
            required
            withAsterisk={false}
            visibilityToggleButtonProps={{ "aria-label": t("account.showPassword") }}
          />
          <Group justify="space-between" gap={8}>
            <Anchor component="button" type="button" size="sm" c="dimmed" onClick={() => void signOut()}>
              {t("signIn.asAnother")}
            </Anchor>
            <Button type="submit" loading={form.isSending}>
              {t("signIn.submit")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
