import { Button, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { client, take } from "@/api/client";
import { Problem } from "@/api/problem";
import { useT } from "@/app/preferences";
import { messageOf } from "@/components/messages";
import { Loading } from "@/components/States";
import { AuthFrame } from "./AuthFrame";
import { useLinkToken } from "./token";

export function ConfirmEmailPage() {
  const t = useT();
  const token = useLinkToken();
  // A query, not a mutation: it runs once for a token, however often the page is drawn.
  const confirming = useQuery({
    queryKey: ["confirm-email", token],
    queryFn: async () => {
      await take(client.POST("/v1/email-confirmations", { body: { token: token ?? "" } }));
      return true;
    },
    enabled: token !== undefined,
    staleTime: Infinity,
    retry: false,
    refetchOnWindowFocus: false,
  });
  if (confirming.isLoading) {
    return (
      <AuthFrame title={t("confirm.working")}>
        <Loading height={80} />
      </AuthFrame>
    );
  }
  if (confirming.isSuccess) {
    return (
      <AuthFrame title={t("confirm.doneTitle")} lead={t("confirm.doneText")}>
        <Button component={Link} to="/contacts" size="sm" fullWidth>
          {t("action.next")}
        </Button>
      </AuthFrame>
    );
  }
  const isPassing = confirming.error instanceof Problem && confirming.error.isPassing;
  return (
    <AuthFrame title={t("confirm.failedTitle")}>
      <Text size="sm" role="alert">
        {isPassing ? messageOf(confirming.error, t) : t("confirm.failedText")}
      </Text>
      {isPassing ? (
        <Button size="sm" fullWidth onClick={() => void confirming.refetch()}>
          {t("action.retry")}
        </Button>
      ) : (
        <Button component={Link} to="/sign-in" size="sm" fullWidth>
          {t("confirm.toSignIn")}
        </Button>
      )}
    </AuthFrame>
  );
}
