/** What stands when a page does not. */

import { Button } from "@mantine/core";
import { IconMapPinOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { meQuery } from "@/api/queries";
import { Empty, Failure, Loading } from "@/components/States";
import { useT } from "./preferences";
import { Shell } from "./Shell";

export function Root() {
  return <Outlet />;
}

/** A signed-in user keeps their menu at an address that does not exist. */
export function NotFound() {
  const me = useQuery({ ...meQuery, retry: false });
  if (me.isPending) return <Loading />;
  if (me.data) {
    return (
      <Shell>
        <Nowhere />
      </Shell>
    );
  }
  return (
    <main>
      <Nowhere />
    </main>
  );
}

function Nowhere() {
  const t = useT();
  return (
    <Empty title={t("state.notFoundTitle")} text={t("state.notFoundText")} icon={IconMapPinOff} level={1}>
      <Button component={Link} to="/contacts" variant="default" mt={8}>
        {t("state.toHome")}
      </Button>
    </Empty>
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
