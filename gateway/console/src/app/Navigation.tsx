/** Where one can go, and who one is. */

import { UnstyledButton } from "@mantine/core";
import { spotlight } from "@mantine/spotlight";
import {
  IconAddressBook,
  IconBuilding,
  IconFileImport,
  IconForms,
  IconSearch,
  IconShieldCheck,
  IconUserShield,
  IconUsers,
  IconUsersGroup,
  type Icon,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { Key } from "@/i18n";
import { Brand } from "@/components/Brand";
import { useMay } from "@/components/permissions";
import { AccountMenu } from "./AccountMenu";
import { useT } from "./preferences";
import styles from "./Shell.module.css";

export const LEDGER = [
  { to: "/contacts", label: "nav.contacts", icon: IconAddressBook, needs: "contacts:read" },
  { to: "/companies", label: "nav.companies", icon: IconBuilding, needs: "companies:read" },
  { to: "/imports", label: "nav.imports", icon: IconFileImport, needs: "contacts:import" },
  { to: "/audit", label: "nav.audit", icon: IconShieldCheck, needs: "audit:read" },
] as const satisfies readonly Entry[];

export const SETTINGS = [
  { to: "/settings/fields", label: "nav.fields", icon: IconForms, needs: "fields:manage" },
  { to: "/settings/users", label: "nav.users", icon: IconUsers, needs: "users:read" },
  { to: "/settings/teams", label: "nav.teams", icon: IconUsersGroup, needs: "teams:manage" },
  { to: "/settings/roles", label: "nav.roles", icon: IconUserShield, needs: "roles:read" },
] as const satisfies readonly Entry[];

interface Entry {
  to: string;
  label: Key;
  icon: Icon;
  needs: string;
}

export function Navigation() {
  const t = useT();
  return (
    <nav className={styles.nav} aria-label={t("nav.main")}>
      <div className={styles.brand}>
        <Brand />
      </div>
      <UnstyledButton className={styles.find} onClick={() => spotlight.open()}>
        <IconSearch size={15} aria-hidden />
        {t("nav.search")}
        <kbd>{isApple() ? "⌘K" : "Ctrl K"}</kbd>
      </UnstyledButton>
      <div className={styles.links}>
        <Group title={t("nav.ledger")} entries={LEDGER} />
        <Group title={t("nav.settings")} entries={SETTINGS} />
      </div>
      <AccountMenu />
    </nav>
  );
}

function Group({ title, entries }: { title: string; entries: typeof LEDGER | typeof SETTINGS }) {
  const t = useT();
  const may = useMay();
  const shown = entries.filter((entry) => may(entry.needs));
  if (shown.length === 0) return null;
  return (
    <>
      <div className={styles.group}>{title}</div>
      {shown.map(({ to, label, icon: Shown }) => (
        <Link key={to} to={to} className={styles.link} activeOptions={{ includeSearch: false }}>
          <Shown size={17} stroke={1.6} aria-hidden />
          {t(label)}
        </Link>
      ))}
    </>
  );
}

export function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}
