/** The frame of pages before sign-in. */

import { ActionIcon, Button, Group, Paper, Stack, Text, Title, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconMoon, IconSun } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { usePreferences } from "@/app/preferences";
import { Brand } from "@/components/Brand";
import styles from "./AuthFrame.module.css";

interface AuthFrameProps {
  title: string;
  lead?: string;
  children?: ReactNode;
  footer?: ReactNode;
}

export function AuthFrame({ title, lead, children, footer }: AuthFrameProps) {
  const { translate: t, language, setLanguage } = usePreferences();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  useDocumentTitle(`${title} · ${t("app.name")}`);
  return (
    <div className={styles.ground}>
      <header className={styles.top}>
        <Brand size={26} />
        <Group gap={4}>
          <Button variant="subtle" color="gray" lang={language === "ja" ? "en" : "ja"} onClick={() => setLanguage(language === "ja" ? "en" : "ja")}>
            {t(language === "ja" ? "language.en" : "language.ja")}
          </Button>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={30}
            aria-label={t("palette.toggleTheme")}
            onClick={() => setColorScheme(scheme === "dark" ? "light" : "dark")}
          >
            {scheme === "dark" ? <IconSun size={16} /> : <IconMoon size={16} />}
          </ActionIcon>
        </Group>
      </header>
      <main className={styles.middle}>
        <Paper withBorder radius="lg" className={styles.card}>
          <Stack gap="lg">
            <div>
              <Title order={1} mb={4}>
                {title}
              </Title>
              {lead && (
                <Text c="dimmed" size="sm">
                  {lead}
                </Text>
              )}
            </div>
            {children}
          </Stack>
        </Paper>
        {footer && <div className={styles.footer}>{footer}</div>}
        <Text c="dimmed" size="xs" mt="xl" ta="center">
          {t("app.tagline")}
        </Text>
      </main>
    </div>
  );
}
