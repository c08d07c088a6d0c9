import { Anchor, Button, Fieldset, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, take } from "@/api/client";
import { usePreferences, useT } from "@/app/preferences";
import { FormError } from "@/components/States";
import { useForm } from "@/components/useForm";
import { AuthFrame } from "./AuthFrame";
import { rememberTenant } from "./remembered";
import { SendAgain } from "./SendAgain";

export function SignUpPage() {
  const { translate: t, language } = usePreferences();
  const [sent, setSent] = useState<Sent>();
  const form = useForm({
    initial: { company: "", code: "", name: "", email: "", password: "" },
    names: { company: "company_name", name: "admin.display_name", email: "admin.email", password: "admin.password" },
    faults: { code_taken: "code" },
    send: ({ company, code, name, email, password }) =>
      take(
        client.POST("/v1/tenants", {
          body: { code, company_name: company, admin: { email, display_name: name, password, language } },
        }),
      ),
    onDone: (_, { code, email }) => {
      rememberTenant(code);
      setSent({ tenant: code, email });
    },
  });
  if (sent !== undefined) return <CheckYourMail {...sent} />;
  return (
    <AuthFrame
      title={t("signUp.title")}
      lead={t("signUp.lead")}
      footer={
        <Anchor component={Link} to="/sign-in" size="sm">
          {t("signUp.toSignIn")}
        </Anchor>
      }
    >
      <form {...form.form}>
        <Stack gap="md">
          <FormError error={form.error} others={form.others} />
          <Fieldset legend={t("signUp.company")} variant="unstyled">
            <Stack gap="sm">
              <TextInput label={t("account.company")} {...form.text("company")} autoComplete="organization" autoFocus required withAsterisk={false} />
              <TextInput
                label={t("account.tenant")}
                description={t("account.tenantHelp")}
                {...form.text("code")}
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                required
                withAsterisk={false}
              />
            </Stack>
          </Fieldset>
          <Fieldset legend={t("signUp.admin")} variant="unstyled">
            <Stack gap="sm">
              <TextInput label={t("account.displayName")} {...form.text("name")} autoComplete="name" required withAsterisk={false} />
              <TextInput label={t("account.email")} type="email" {...form.text("email")} autoComplete="username" required withAsterisk={false} />
              <PasswordInput
                label={t("account.password")}
                description={t("account.passwordHelp")}
                {...form.text("password")}
                autoComplete="new-password"
                required
                withAsterisk={false}
                visibilityToggleButtonProps={{ "aria-label": t("account.showPassword") }}
              />
            </Stack>
          </Fieldset>
          <Button type="submit" size="sm" fullWidth loading={form.isSending}>
            {t("signUp.submit")}
          </Button>
        </Stack>
      </form>
    </AuthFrame>
  );
}

interface Sent {
  tenant: string;
  email: string;
}

function CheckYourMail({ tenant, email }: Sent) {
  const t = useT();
  return (
    <AuthFrame title={t("signUp.doneTitle")}>
      <Text size="sm">{t("signUp.doneText", { email })}</Text>
      <Text size="sm" c="dimmed">
        {t("signUp.doneHint")}
      </Text>
      <Button component={Link} to="/sign-in" size="sm" fullWidth>
        {t("confirm.toSignIn")}
      </Button>
      <SendAgain tenant={tenant} email={email} fullWidth />
    </AuthFrame>
  );
}
