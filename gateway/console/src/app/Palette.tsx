/** ⌘K: go anywhere, find anyone, do anything. */

import { useMantineColorScheme, useComputedColorScheme } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Spotlight } from "@mantine/spotlight";
import { IconFileImport, IconLanguage, IconLogout, IconMoon, IconSearch, IconUser, IconUserCircle, IconUserPlus, type Icon } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client, take } from "@/api/client";
import { useMay } from "@/components/permissions";
import { displayName, displayKana } from "@/features/contacts/names";
import { useSignOut } from "./AccountMenu";
import { LEDGER, SETTINGS } from "./Navigation";
import { usePreferences } from "./preferences";

interface Action {
  id: string;
  label: string;
  hint?: string;
  icon: Icon;
  run: () => void;
}

export default function Palette() {
  const { translate: t } = usePreferences();
  const [query, setQuery] = useState("");
  const wanted = query.trim().toLowerCase();
  const { go, act } = useActions();
  const contacts = useContacts(query);
  const matches = (action: Action) => wanted === "" || action.label.toLowerCase().includes(wanted);
  const groups = [
    { label: t("palette.contacts"), actions: contacts.found },
    { label: t("palette.go"), actions: go.filter(matches) },
    { label: t("palette.actions"), actions: act.filter(matches) },
  ].filter((group) => group.actions.length > 0);

  return (
    <Spotlight.Root attributes={{ content: { "aria-label": t("nav.search") } }} query={query} onQueryChange={setQuery} shortcut={null} scrollable maxHeight={420} radius="md">
      <Spotlight.Search
        placeholder={t("palette.placeholder")}
        aria-label={t("palette.placeholder")}
        leftSection={<IconSearch size={18} stroke={1.5} />}
      />
      <Spotlight.ActionsList>
        {groups.map((group) => (
          <Spotlight.ActionsGroup key={group.label} label={group.label}>
            {group.actions.map(({ id, label, hint, icon: Shown, run }) => (
              <Spotlight.Action
                key={id}
                label={label}
                description={hint}
                leftSection={<Shown size={17} stroke={1.5} />}
                onClick={run}
              />
            ))}
          </Spotlight.ActionsGroup>
        ))}
        {groups.length === 0 && (
          <Spotlight.Empty>{contacts.isSearching ? t("palette.searching") : t("palette.empty")}</Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

function useActions(): { go: Action[]; act: Action[] } {
  const { translate: t, language, setLanguage } = usePreferences();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const navigate = useNavigate();
  const signOut = useSignOut();
  const may = useMay();
  const go: Action[] = [...LEDGER, ...SETTINGS]
    .filter((entry) => may(entry.needs))
    .map((entry) => ({ id: entry.to, label: t(entry.label), icon: entry.icon, run: () => void navigate({ to: entry.to }) }));
  go.push({ id: "/account", label: t("nav.account"), icon: IconUserCircle, run: () => void navigate({ to: "/account" }) });
  const act: (Action & { needs?: string })[] = [
    { id: "new-contact", label: t("palette.newContact"), icon: IconUserPlus, needs: "contacts:create", run: () => void navigate({ to: "/contacts/new" }) },
    { id: "new-company", label: t("palette.newCompany"), icon: IconUserPlus, needs: "companies:create", run: () => void navigate({ to: "/companies/new" }) },
    { id: "import", label: t("palette.import"), icon: IconFileImport, needs: "contacts:import", run: () => void navigate({ to: "/imports" }) },
    { id: "invite", label: t("palette.invite"), icon: IconUserPlus, needs: "users:manage", run: () => void navigate({ to: "/settings/users", search: { invite: true } }) },
    { id: "theme", label: t("palette.toggleTheme"), icon: IconMoon, run: () => setColorScheme(scheme === "dark" ? "light" : "dark") },
    { id: "language", label: t("palette.toggleLanguage"), icon: IconLanguage, run: () => setLanguage(language === "ja" ? "en" : "ja") },
    { id: "sign-out", label: t("menu.signOut"), icon: IconLogout, run: () => void signOut() },
  ];
  return { go, act: act.filter((action) => action.needs === undefined || may(action.needs)) };
}

function useContacts(query: string): { found: Action[]; isSearching: boolean } {
  const navigate = useNavigate();
  const [q] = useDebouncedValue(query.trim(), 150);
  const search = useQuery({
    queryKey: ["palette", q],
    queryFn: () => take(client.POST("/v1/contacts/search", { body: { q, limit: 6 } })),
    enabled: q.length > 0,
  });
  if (q === "") return { found: [], isSearching: false };
  const found = (search.data?.items ?? []).map((contact) => ({
    id: contact.id,
    label: displayName(contact),
    hint: [displayKana(contact), contact.company_name].filter(Boolean).join(" ・ "),
    icon: IconUser,
    run: () => void navigate({ to: "/contacts/$id", params: { id: contact.id } }),
  }));
  return { found, isSearching: search.isFetching };
}
