import { Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { client, take } from "@/api/client";
import { useT } from "@/app/preferences";
import { notifyDone } from "@/components/notify";
import { FormError } from "@/components/States";
import { useForm } from "@/components/useForm";
import { AuthFrame } from "./AuthFrame";
import { rememberTenant } from "./remembered";
import { useLinkToken } from "./token";

export function AcceptInvitationPage() {
  const t = useT();
  const token = useLinkToken();
  const navigate = useNavigate();
  const form = useForm({
    initial: { name: "", password: "" },
    names: { name: "display_name" },
    send: ({ name, password }) =>
      take(client.POST("/v1/invitations/accept", { body: { token: token ?? "", display_name: name, password } })),
    onDone: ({ tenant }) => {
      rememberTenant(tenant);
      notifyDone(t("accept.done"));
      void navigate({ to: "/sign-in" });
    },
  });
  if (!token) {
    return (
      <AuthFrame title={t("accept.title")}>
        <Text size="sm">{t("accept.noToken")}</Text>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title={t("accept.title")} lead={t("accept.lead")}>
      <form {...form.form}>
        <Stack gap="md">
          <FormError error={form.error} others={form.others} />
          <TextInput label={t("account.displayName")} {...form.text("name")} autoComplete="name" autoFocus required withAsterisk={false} />
          <PasswordInput
            label={t("account.password")}
            description={t("account.passwordHelp")}
            {...form.text("password")}
            autoComplete="new-password"
            required
            withAsterisk={false}
            visibilityToggleButtonProps={{ "aria-label": t("account.showPassword") }}
          />
          <Button type="submit" size="sm" fullWidth loading={form.isSending}>
            {t("accept.submit")}
          </Button>
        </Stack>
      </form>
    </AuthFrame>
  );
}
