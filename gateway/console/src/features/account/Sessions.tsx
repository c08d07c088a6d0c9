/** Where one is signed in, and the way out of each. */

import { Badge, Button, Group, Text } from "@mantine/core";
import { IconLogout } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, take } from "@/api/client";
import { useSignOut } from "@/app/AccountMenu";
import { useFormat, useT } from "@/app/preferences";
import { Confirm } from "@/components/confirm";
import { messageOf } from "@/components/messages";
import { notifyDone, notifyFailed } from "@/components/notify";
import { Failure, Loading } from "@/components/States";
import styles from "./account.module.css";

export function Sessions() {
  const t = useT();
  const format = useFormat();
  const signOut = useSignOut();
  const [isAsking, setAsking] = useState(false);
  const sessions = useQuery({ queryKey: ["sessions"], queryFn: async () => (await take(client.GET("/v1/sessions"))).items });
  const ending = useEnding(() => setAsking(false));
  if (sessions.isPending) return <Loading height={80} />;
  if (sessions.isError) return <Failure error={sessions.error} onRetry={() => void sessions.refetch()} />;
  const others = sessions.data.filter((each) => !each.current).map((each) => each.id);
  return (
    <>
      <ul className={styles.sessions}>
        {sessions.data.map((each) => (
          <li key={each.id}>
            <div>
              <Text size="sm" fw={500} className="tabular">
                {each.address ?? t("mine.unknownAddress")}
                {each.current && (
                  <Badge ml={8} color="gray">
                    {t("mine.thisOne")}
                  </Badge>
                )}
              </Text>
              <Text size="xs" c="dimmed" className="tabular">
                {t("mine.since", { begun: format.moment(each.created_at), used: format.moment(each.last_used_at) })}
              </Text>
            </div>
            {!each.current && (
              <Button variant="subtle" color="gray" loading={ending.isPending && ending.variables.includes(each.id)} onClick={() => ending.mutate([each.id])}>
                {t("menu.signOut")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Group gap={8} mt="md">
        <Button variant="default" leftSection={<IconLogout size={15} />} onClick={() => void signOut()}>
          {t("mine.signOutHere")}
        </Button>
        {others.length > 0 && (
          <Button variant="default" onClick={() => setAsking(true)}>
            {t("mine.endOthers")}
          </Button>
        )}
      </Group>
      <Confirm
        opened={isAsking}
        title={t("mine.endOthersTitle")}
        text={t("mine.endOthersText", { n: others.length })}
        action={t("menu.signOut")}
        working={ending.isPending}
        onConfirm={() => ending.mutate(others)}
        onClose={() => setAsking(false)}
      />
      <Text size="xs" c="dimmed" mt="sm">
        {t("mine.sessionsHelp")}
      </Text>
    </>
  );
}

function useEnding(onEnd: () => void) {
  const t = useT();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (ids: string[]) => {
      for (const id of ids) await take(client.DELETE("/v1/sessions/{session_id}", { params: { path: { session_id: id } } }));
    },
    onSuccess: (_, ids) => notifyDone(t("mine.ended", { n: ids.length })),
    onError: (error) => notifyFailed(messageOf(error, t)),
    onSettled: () => {
      onEnd();
      void queries.invalidateQueries({ queryKey: ["sessions"] });
    },
  });
}
