/** What stands where content will be, or would be. */

import { Alert, Button, Center, Group, Loader, Skeleton, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconAlertTriangle, IconCloudOff, IconInbox, IconLock, IconRefresh, type Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Problem } from "@/api/problem";
import { useT } from "@/app/preferences";
import { incidentOf, messageOf, readingMessageOf } from "./messages";

export function Loading({ height = 240 }: { height?: number }) {
  const t = useT();
  return (
    <Center h={height} role="status" aria-label={t("state.loading")}>
      <Loader size="sm" color="gray" type="dots" />
    </Center>
  );
}

const SKELETON_ROWS = 14;

/** A list that is on its way: rows where rows will be. */
export function LoadingRows() {
  const t = useT();
  return (
    <div role="status" aria-label={t("state.loading")}>
      {Array.from({ length: SKELETON_ROWS }, (_, row) => (
        <Group key={row} h={40} px={20} gap={40} wrap="nowrap" aria-hidden>
          <Skeleton h={10} w={140} radius="xl" />
          <Skeleton h={10} flex={1} radius="xl" />
          <Skeleton h={10} w={90} radius="xl" visibleFrom="sm" />
        </Group>
      ))}
    </div>
  );
}

interface EmptyProps {
  title: string;
  text?: string;
  icon?: Icon;
  /** 1 where nothing else heads the page. */
  level?: 1 | 2;
  children?: ReactNode;
}

export function Empty({ title, text, icon: Shown = IconInbox, level = 2, children }: EmptyProps) {
  return (
    <Center mih={260} p="xl">
      <Stack align="center" gap={8} maw={400}>
        <ThemeIcon variant="light" color="gray" size={44} radius="md">
          <Shown size={22} stroke={1.5} aria-hidden />
        </ThemeIcon>
        <Title order={level} size="h3" ta="center">
          {title}
        </Title>
        {text && (
          <Text c="dimmed" size="sm" ta="center">
            {text}
          </Text>
        )}
        {children}
      </Stack>
    </Center>
  );
}

/** What stands where the reader may not look. */
export function Forbidden() {
  const t = useT();
  return <Empty title={t("state.forbiddenTitle")} text={t("state.forbiddenText")} icon={IconLock} />;
}

interface FailureProps {
  error: unknown;
  onRetry?: () => void;
  /** What to say instead of the service's words. */
  text?: string;
  /** Another way out. */
  children?: ReactNode;
}

export function Failure({ error, onRetry, text, children }: FailureProps) {
  const t = useT();
  if (error instanceof Problem && error.status === 403) {
    return <Forbidden />;
  }
  const incident = incidentOf(error);
  const isOffline = error instanceof Problem && error.isPassing;
  return (
    <div role="alert">
      <Empty
        title={t("state.errorTitle")}
        text={text ?? readingMessageOf(error, t)}
        icon={isOffline ? IconCloudOff : IconAlertTriangle}
      >
        {incident && (
          <Text c="dimmed" size="xs" className="mono">
            {t("problem.incident", { incident })}
          </Text>
        )}
        {onRetry && (
          <Button variant="default" mt={8} leftSection={<IconRefresh size={14} />} onClick={onRetry}>
            {t("action.retry")}
          </Button>
        )}
        {children}
      </Empty>
    </div>
  );
}

/** What went wrong with a form, above its fields. */
export function FormError({ error, others = [] }: { error: unknown; others?: string[] }) {
  const t = useT();
  if (!error) return null;
  return (
    <Alert color="red" variant="light" role="alert" icon={<IconAlertTriangle size={16} />} p="sm">
      <Text size="sm">{messageOf(error, t)}</Text>
      {others.map((text) => (
        <Text size="sm" key={text}>
          {text}
        </Text>
      ))}
    </Alert>
  );
}
