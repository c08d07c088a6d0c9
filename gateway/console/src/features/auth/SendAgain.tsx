/** Asks for the mail with the confirmation's link once more. */

import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { client, take } from "@/api/client";
import { useT } from "@/app/preferences";
import { messageOf } from "@/components/messages";
import { notifyDone, notifyFailed } from "@/components/notify";

export function SendAgain({ tenant, email, fullWidth = false }: { tenant: string; email: string; fullWidth?: boolean }) {
  const t = useT();
  const sending = useMutation({
    mutationFn: () => take(client.POST("/v1/email-confirmations/requests", { body: { tenant, email } })),
    onSuccess: () => notifyDone(t("confirm.sentAgain")),
    onError: (error) => notifyFailed(messageOf(error, t)),
  });
  return (
    <Button size={fullWidth ? "sm" : "xs"} variant="default" fullWidth={fullWidth} loading={sending.isPending} onClick={() => sending.mutate()}>
      {t("confirm.sendAgain")}
    </Button>
  );
}
