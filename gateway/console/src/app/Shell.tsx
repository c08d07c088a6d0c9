/** The frame around every page of a signed-in user: of the address that is open, or of `children`. */

import { ActionIcon, Drawer, Loader } from "@mantine/core";
import { useDisclosure, useHotkeys, useMediaQuery } from "@mantine/hooks";
import { spotlight } from "@mantine/spotlight";
import { IconMenu2 } from "@tabler/icons-react";
import { Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState, type ReactNode } from "react";
import { PanelBoundary } from "@/components/PanelBoundary";
import { SessionEnded } from "@/features/auth/SessionEnded";
import { Navigation } from "./Navigation";
import { useT } from "./preferences";
import { Unconfirmed } from "./Unconfirmed";
import styles from "./Shell.module.css";

const Palette = lazy(() => import("./Palette"));
const Keys = lazy(() => import("./Keys"));

export function Shell({ children }: { children?: ReactNode }) {
  const t = useT();
  const navigate = useNavigate();
  const isPhone = useMediaQuery("(max-width: 48em)");
  const [menu, { open, close }] = useDisclosure();
  const [keys, setKeys] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const isWaiting = useRouterState({ select: (state) => state.status === "pending" });
  useEffect(close, [path, close]);
  useHotkeys([
    ["shift+?", () => setKeys(true), { usePhysicalKeys: false }],
    ["c", () => void navigate({ to: path.startsWith("/companies") ? "/companies/new" : "/contacts/new" })],
  ]);
  // Here and not in the palette, which arrives later: it then opens if it was asked for meanwhile.
  useHotkeys([["mod+K", () => spotlight.open()]], []);

  return (
    <div className={styles.shell}>
      <a href="#main" className="skip">
        {t("app.skip")}
      </a>
      {isPhone ? (
        <>
          <ActionIcon className={styles.burger} variant="subtle" color="gray" size={36} onClick={open} aria-label={t("nav.open")}>
            <IconMenu2 size={20} />
          </ActionIcon>
          <Drawer.Root opened={menu} onClose={close} size={264} padding={0} transitionProps={{ duration: 120 }}>
            <Drawer.Overlay />
            <Drawer.Content aria-label={t("nav.main")}>
              <Drawer.Body h="100%">
                <Navigation />
              </Drawer.Body>
            </Drawer.Content>
          </Drawer.Root>
        </>
      ) : (
        <aside className={styles.side}>
          <PanelBoundary>
            <Navigation />
          </PanelBoundary>
        </aside>
      )}
      <main id="main" className={styles.main} tabIndex={-1}>
        {isWaiting && (
          <div className={styles.waiting}>
            <Loader size={14} color="gray" />
          </div>
        )}
        <PanelBoundary quiet>
          <Unconfirmed />
        </PanelBoundary>
        {children ?? <Outlet />}
      </main>
      <Suspense>
        <PanelBoundary quiet>
          <Palette />
        </PanelBoundary>
        <SessionEnded />
        {keys && <Keys onClose={() => setKeys(false)} />}
      </Suspense>
    </div>
  );
}
