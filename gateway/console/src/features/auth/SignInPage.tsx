import { Alert, Anchor, Button, Group, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate, useRouter } from "@tanstack/react-router";
import { Problem } from "@/api/problem";
import { client, take } from "@/api/client";
import { useT } from "@/app/preferences";
import { FormError } from "@/components/States";
import { useForm } from "@/components/useForm";
import { AuthFrame } from "./AuthFrame";
import { rememberTenant, rememberedTenant } from "./remembered";

const route = getRouteApi("/sign-in");

export function SignInPage() {
  const t = useT();
  const { next } = route.useSearch();
  const navigate = useNavigate();
  const router = useRouter();
  const queries = useQueryClient();
  const form = useForm({
    initial: { tenant: rememberedTenant(), email: "", password: "" },
    send: (values) => take(client.POST("/v1/sessions", { body: { ...values, cookies: true } })),
    onDone: (_, { tenant }) => {
      rememberTenant(tenant);
      queries.clear();
      if (next) router.history.push(next);
      else void navigate({ to: "/contacts" });
    },
  });
  const isWrong = form.error instanceof Problem && form.error.status === 401;
  return (
    <AuthFrame
      title={t("signIn.title")}
      lead={t("signIn.lead")}
      footer={
        <Anchor component={Link} to="/sign-up" size="sm">
          {t("signIn.toSignUp")}
        </Anchor>
      }
    >
      <form {...form.form}>
        <Stack gap="md">
          {isWrong ? (
            <Alert color="red" variant="light" role="alert" p="sm">
              {t("signIn.wrong")}
            </Alert>
          ) : (
            <FormError error={form.error} others={form.others} />
          )}
          <TextInput
            label={t("account.tenant")}
            description={t("signIn.codeHelp")}
            {...form.text("tenant")}
            autoComplete="organization"
            autoCapitalize="off"
            spellCheck={false}
            autoFocus={form.values.tenant === ""}
            required
            withAsterisk={false}
          />
          <TextInput
            label={t("account.email")}
            type="email"
            {...form.text("email")}
            autoComplete="username"
            autoFocus={form.values.tenant !== ""}
            required
            withAsterisk={false}
          />
          <PasswordInput
            label={t("account.password")}
            {...form.text("password")}
            autoComplete="current-password"
            required
            withAsterisk={false}
            visibilityToggleButtonProps={{ "aria-label": t("account.showPassword") }}
          />
          <Button type="submit" size="sm" fullWidth loading={form.isSending}>
            {t("signIn.submit")}
          </Button>
          <Group justify="center">
            <Anchor component={Link} to="/forgot-password" size="sm" c="dimmed">
              {t("signIn.forgot")}
            </Anchor>
          </Group>
        </Stack>
      </form>
    </AuthFrame>
  );
}
