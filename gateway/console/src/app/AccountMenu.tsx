/** Who is signed in, how the console looks to him, and the way out. */

import { Avatar, Menu, Text, UnstyledButton, VisuallyHidden, useMantineColorScheme } from "@mantine/core";
import { IconCalendar, IconCheck, IconDeviceDesktop, IconLanguage, IconLogout, IconMoon, IconSelector, IconSun } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { client } from "@/api/client";
import { useMe } from "@/components/permissions";
import { usePreferences } from "./preferences";
import styles from "./Shell.module.css";

const THEMES = [
  { value: "auto", label: "menu.theme.auto", icon: IconDeviceDesktop },
  { value: "light", label: "menu.theme.light", icon: IconSun },
  { value: "dark", label: "menu.theme.dark", icon: IconMoon },
] as const;

const LANGUAGES = [
  { value: "ja", label: "language.ja" },
  { value: "en", label: "language.en" },
] as const;

const CALENDARS = [
  { value: "gregory", label: "menu.calendar.gregory" },
  { value: "japanese", label: "menu.calendar.japanese" },
] as const;

export function AccountMenu() {
  const { translate: t, language, setLanguage, calendar, setCalendar } = usePreferences();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const me = useMe();
  const signOut = useSignOut();
  const check = (isOn: boolean) => (isOn ? <IconCheck size={14} /> : undefined);
  return (
    <Menu position="top-start" width={220}>
      <Menu.Target>
        <UnstyledButton className={styles.account}>
          <VisuallyHidden>{t("menu.account")}</VisuallyHidden>
          <Avatar size={26} radius="xl" color="ai" aria-hidden>
            {me?.user.display_name.slice(0, 1)}
          </Avatar>
          <div style={{ minWidth: 0, flex: 1 }}>
            <Text size="sm" fw={500} className="truncate">
              {me?.user.display_name}
            </Text>
            <Text size="xs" c="dimmed" className="truncate">
              {me?.tenant.company_name}
            </Text>
          </div>
          <IconSelector size={14} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("menu.language")}</Menu.Label>
        {LANGUAGES.map(({ value, label }) => (
          <Menu.Item
            key={value}
            lang={value}
            leftSection={<IconLanguage size={15} />}
            rightSection={check(language === value)}
            onClick={() => setLanguage(value)}
          >
            {t(label)}
          </Menu.Item>
        ))}
        <Menu.Label>{t("menu.theme")}</Menu.Label>
        {THEMES.map(({ value, label, icon: Shown }) => (
          <Menu.Item
            key={value}
            leftSection={<Shown size={15} />}
            rightSection={check(colorScheme === value)}
            onClick={() => setColorScheme(value)}
          >
            {t(label)}
          </Menu.Item>
        ))}
        <Menu.Label>{t("menu.calendar")}</Menu.Label>
        {CALENDARS.map(({ value, label }) => (
          <Menu.Item
            key={value}
            leftSection={<IconCalendar size={15} />}
            rightSection={check(calendar === value)}
            onClick={() => setCalendar(value)}
          >
            {t(label)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void signOut()}>
          {t("menu.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return async () => {
    // Even where the server does not answer, this browser forgets what it showed.
    await client.DELETE("/v1/sessions/current").catch(() => undefined);
    queries.clear();
    await navigate({ to: "/sign-in" });
  };
}
