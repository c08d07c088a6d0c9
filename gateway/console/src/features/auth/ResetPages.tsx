/** Forgotten passwords: asking for a link, and using it. */

import { Anchor, Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client, take } from "@/api/client";
import { useT } from "@/app/preferences";
import { notifyDone } from "@/components/notify";
import { FormError } from "@/components/States";
import { useForm } from "@/components/useForm";
import { AuthFrame } from "./AuthFrame";
import { rememberedTenant } from "./remembered";
import { useLinkToken } from "./token";

export function RequestResetPage() {
  const t = useT();
  const [isSent, setSent] = useState(false);
  const form = useForm({
    initial: { tenant: rememberedTenant(), email: "" },
    send: (values) => take(client.POST("/v1/password-resets", { body: values })),
    onDone: () => setSent(true),
  });
  const back = (
    <Anchor component={Link} to="/sign-in" size="sm">
      {t("reset.toSignIn")}
    </Anchor>
  );
  if (isSent) {
    return (
      <AuthFrame title={t("reset.sentTitle")} footer={back}>
        <Text size="sm">{t("reset.sentText")}</Text>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title={t("reset.title")} lead={t("reset.lead")} footer={back}>
      <form {...form.form}>
        <Stack gap="md">
          <FormError error={form.error} others={form.others} />
          <TextInput label={t("account.tenant")} {...form.text("tenant")} autoComplete="organization" autoCapitalize="off" required withAsterisk={false} />
          <TextInput label={t("account.email")} type="email" {...form.text("email")} autoComplete="username" required withAsterisk={false} />
          <Button type="submit" size="sm" fullWidth loading={form.isSending}>
            {t("reset.submit")}
          </Button>
        </Stack>
      </form>
    </AuthFrame>
  );
}

export function CompleteResetPage() {
  const t = useT();
  const token = useLinkToken();
  const navigate = useNavigate();
  const form = useForm({
    initial: { password: "" },
    send: ({ password }) => take(client.POST("/v1/password-resets/complete", { body: { token: token ?? "", password } })),
    onDone: () => {
      notifyDone(t("reset.done"));
      void navigate({ to: "/sign-in" });
    },
  });
  return (
    <AuthFrame title={t("reset.newTitle")}>
      <form {...form.form}>
        <Stack gap="md">
          <FormError error={form.error} others={form.others} />
          <PasswordInput
            label={t("account.newPassword")}
            description={t("account.passwordHelp")}
            {...form.text("password")}
            autoComplete="new-password"
            autoFocus
            required
            withAsterisk={false}
            visibilityToggleButtonProps={{ "aria-label": t("account.showPassword") }}
          />
          <Button type="submit" size="sm" fullWidth loading={form.isSending}>
            {t("reset.newSubmit")}
          </Button>
        </Stack>
      </form>
    </AuthFrame>
  );
}
