/** What each role may do: a matrix of actions and roles, with the scope in each cell. */

import { Button, Group, NativeSelect, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import { client, ifMatch, take } from "@/api/client";
import { rolesQuery } from "@/api/queries";
import type { Role, Scope } from "@/api/types";
import { useT } from "@/app/preferences";
import { reasonsOf } from "@/components/messages";
import { notifyDone, notifyFailed } from "@/components/notify";
import { Page } from "@/components/Page";
import { useMay, useMe } from "@/components/permissions";
import { Failure, Loading } from "@/components/States";
import { LeaveGuard } from "@/features/records/LeaveGuard";
import { isKey, type Translate } from "@/i18n";
import { useRoleName } from "./names";
import styles from "./RolesPage.module.css";

/** By role, then action. */
type Changes = Record<string, Record<string, Scope>>;

export function RolesPage() {
  const t = useT();
  const may = useMay();
  const me = useMe();
  const roles = useQuery(rolesQuery);
  const [changes, setChanges] = useState<Changes>({});
  const saving = useSave(() => setChanges({}));
  const count = Object.values(changes).reduce((sum, each) => sum + Object.keys(each).length, 0);
  function choose(role: Role, action: string, scope: Scope) {
    setChanges((now) => {
      const { [action]: _, ...rest } = now[role.name] ?? {};
      return { ...now, [role.name]: role.permissions[action] === scope ? rest : { ...rest, [action]: scope } };
    });
  }
  const actions = count > 0 && (
    <Group gap={8} wrap="nowrap">
      <Text size="xs" c="dimmed" visibleFrom="sm">
        {t("roles.changed", { n: count })}
      </Text>
      <Button variant="default" onClick={() => setChanges({})}>
        {t("roles.reset")}
      </Button>
      <Button loading={saving.isPending} onClick={() => saving.mutate({ changes, roles: roles.data ?? [] })}>
        {t("action.save")}
      </Button>
    </Group>
  );
  return (
    <Page title={t("roles.title")} lead={t("roles.lead")} actions={actions}>
      <LeaveGuard isDirty={count > 0} />
      {roles.isPending ? (
        <Loading />
      ) : roles.isError ? (
        <Failure error={roles.error} onRetry={() => void roles.refetch()} />
      ) : (
        <>
          {may("roles:manage") && (
            <Text size="xs" c="dimmed" mb="xs">
              {t(me?.user.role === "owner" ? "roles.ownerFixed" : "roles.ownFixed")}
            </Text>
          )}
          <Matrix roles={roles.data} changes={changes} onChoose={choose} own={may("roles:manage") ? me?.user.role : undefined} />
        </>
      )}
    </Page>
  );
}

interface MatrixProps {
  roles: Role[];
  changes: Changes;
  onChoose: (role: Role, action: string, scope: Scope) => void;
  /** The reader's role if they may manage roles. */
  own: string | undefined;
}

function Matrix({ roles, changes, onChoose, own }: MatrixProps) {
  const t = useT();
  const roleName = useRoleName();
  const actions = Object.keys(roles[0]?.permissions ?? {});
  // The most powerful role comes first. Nobody changes their own role or one above it.
  const ownRank = roles.findIndex((role) => role.name === own);
  const isFixed = (role: Role, rank: number) => ownRank < 0 || rank <= ownRank || !role.editable;
  const groups = [...new Set(actions.map((action) => action.split(":")[0] ?? action))];
  return (
    <div className={styles.scroller} tabIndex={0} role="region" aria-label={t("roles.title")}>
      <table className={styles.matrix}>
        <thead>
          <tr>
            <th scope="col">{t("roles.action")}</th>
            {roles.map((role) => (
              <th key={role.name} scope="col">
                {roleName(role.name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <Fragment key={group}>
              <tr className={styles.group}>
                <th scope="colgroup" colSpan={roles.length + 1}>
                  {word(`permission.group.${group}`, group, t)}
                </th>
              </tr>
              {actions
                .filter((action) => action.startsWith(`${group}:`))
                .map((action) => (
                  <tr key={action}>
                    <th scope="row">{verb(action, t)}</th>
                    {roles.map((role, rank) => (
                      <td key={role.name}>
                        <Cell
                          role={role}
                          action={action}
                          changed={changes[role.name]?.[action]}
                          isFixed={isFixed(role, rank)}
                          onChoose={(scope) => onChoose(role, action, scope)}
                        />
                      </td>
                    ))}
                  </tr>
                ))}
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CellProps {
  role: Role;
  action: string;
  changed: Scope | undefined;
  isFixed: boolean;
  onChoose: (scope: Scope) => void;
}

/** Only records have owners; every other action is all or nothing. */
const SCOPED = ["contacts", "companies"];

function Cell({ role, action, changed, isFixed, onChoose }: CellProps) {
  const t = useT();
  const roleName = useRoleName();
  const scope = changed ?? role.permissions[action] ?? "none";
  const isScoped = SCOPED.includes(action.split(":")[0] ?? "");
  const label = (each: Scope) => (each === "all" && !isScoped ? t("scope.allowed") : t(`scope.${each}`));
  if (isFixed) return <span data-none={scope === "none" || undefined}>{label(scope)}</span>;
  const scopes: Scope[] = isScoped ? ["none", "own", "team", "all"] : ["none", "all"];
  return (
    <NativeSelect
      size="xs"
      variant="unstyled"
      aria-label={t("roles.scope", { role: roleName(role.name), action: `${word(`permission.group.${action.split(":")[0]}`, action, t)} ${verb(action, t)}` })}
      data={scopes.map((value) => ({ value, label: label(value) }))}
      value={scope}
      onChange={(event) => onChoose(event.currentTarget.value as Scope)}
      classNames={{ input: styles.select }}
      data-changed={changed !== undefined || undefined}
      data-none={scope === "none" || undefined}
    />
  );
}

function useSave(onDone: () => void) {
  const t = useT();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ changes, roles }: { changes: Changes; roles: Role[] }) => {
      for (const role of roles) {
        const permissions = changes[role.name];
        if (!permissions || Object.keys(permissions).length === 0) continue;
        await take(
          client.PATCH("/v1/roles/{name}", { params: { path: { name: role.name }, header: ifMatch(role.version) }, body: { permissions } }),
        );
      }
    },
    onSuccess: () => {
      notifyDone(t("state.saved"));
      onDone();
    },
    onError: (error) => notifyFailed(reasonsOf(error, t)),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: rolesQuery.queryKey });
      void queries.invalidateQueries({ queryKey: ["me"] });
    },
  });
}

function verb(action: string, t: Translate): string {
  const name = action.split(":")[1] ?? action;
  return word(`permission.verb.${name}`, name, t);
}

function word(key: string, fallback: string, t: Translate): string {
  return isKey(key) ? t(key) : fallback;
}
