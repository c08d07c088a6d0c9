/** What stands when a page does not. */

import { Button } from "@mantine/core";
import { IconMapPinOff } from "@tabler/icons-react";
import { Link, Outlet, useRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { Empty, Failure } from "@/components/States";
import { useT } from "./preferences";

export function Root() {
  return <Outlet />;
}

export function NotFound() {
  const t = useT();
  return (
    <main>
      <Empty title={t("state.notFoundTitle")} text={t("state.notFoundText")} icon={IconMapPinOff}>
        <Button component={Link} to="/contacts" variant="default" mt={8}>
          {t("state.toHome")}
        </Button>
      </Empty>
    </main>
  );
}

export function Crash({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <main>
      <Failure
        error={error}
        onRetry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </main>
  );
}
