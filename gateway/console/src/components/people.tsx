/** Users by their names. */

import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { usersQuery } from "@/api/queries";
import { useT } from "@/app/preferences";
import { useMe } from "./permissions";

/** Every user as the choices of a select; those who are disabled only when one of `kept`. */
export function useUserChoices(kept: readonly (string | null | undefined)[] = []): { value: string; label: string }[] {
  const users = useQuery(usersQuery).data ?? [];
  return users
    .filter((user) => !user.disabled || kept.includes(user.id))
    .map((user) => ({ value: user.id, label: user.display_name }));
}

export function useUserName(): (id: string | null | undefined) => string | undefined {
  const t = useT();
  const { data: users } = useQuery(usersQuery);
  const me = useMe();
  return (id) => {
    if (!id) return undefined;
    if (id === me?.user.id) return me.user.display_name;
    if (!users) return "";
    return users.find((user) => user.id === id)?.display_name ?? t("state.unknownUser");
  };
}

export function UserName({ id }: { id: string | null | undefined }) {
  const name = useUserName()(id);
  return name === undefined ? null : (
    <Text span inherit>
      {name}
    </Text>
  );
}
