/** The frame of every page: title, actions, content. */

import { Group, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { useT } from "@/app/preferences";
import { PanelBoundary } from "./PanelBoundary";
import styles from "./Page.module.css";

interface PageProps {
  title: string;
  lead?: string;
  actions?: ReactNode;
  /** Content that fills the window and scrolls by itself. */
  fills?: boolean;
  /** No wider than text is read comfortably. */
  narrow?: boolean;
  children: ReactNode;
}

export function Page({ title, lead, actions, fills = false, narrow = false, children }: PageProps) {
  const t = useT();
  useDocumentTitle(`${title} · ${t("app.name")}`);
  return (
    <div className={styles.page} data-fills={fills || undefined}>
      <header className={styles.head}>
        <Title order={1} className="truncate">
          {title}
        </Title>
        {actions && (
          <Group gap={8} wrap="nowrap">
            {actions}
          </Group>
        )}
      </header>
      <div className={styles.body} data-narrow={narrow || undefined}>
        {lead && (
          <Text c="dimmed" size="sm" mb="md" maw={720}>
            {lead}
          </Text>
        )}
        <PanelBoundary>{children}</PanelBoundary>
      </div>
    </div>
  );
}
