/** Who is signed in, how the console looks to them, and the way out. */

import { Avatar, Menu, Text, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { IconCheck, IconLogout, IconSelector, IconUserCircle } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Fragment } from "react";
import { client } from "@/api/client";
import { useMe } from "@/components/permissions";
import { useLooks } from "./looks";
import { useT } from "./preferences";
import styles from "./Shell.module.css";

export function AccountMenu() {
  const t = useT();
  const me = useMe();
  const looks = useLooks();
  const signOut = useSignOut();
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
        <Menu.Item component={Link} to="/account" leftSection={<IconUserCircle size={15} />}>
          {t("nav.account")}
        </Menu.Item>
        {looks.map(({ name, title, value, choices }) => (
          <Fragment key={name}>
            <Menu.Label>{title}</Menu.Label>
            {choices.map((choice) => (
              <Menu.Item
                key={choice.value}
                lang={choice.lang}
                leftSection={<choice.icon size={15} />}
                rightSection={choice.value === value ? <IconCheck size={14} /> : undefined}
                onClick={choice.choose}
              >
                {choice.label}
              </Menu.Item>
            ))}
          </Fragment>
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
