/** Users by their names. */

import { Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { usersQuery } from "@/api/queries";
import { useT } from "@/app/preferences";
import { useMe } from "./permissions";

/** A colleague may have joined since the users were asked for: ask again, but not at every turn. */
function useRefreshedUsers(): () => void {
  const queries = useQueryClient();
  return () => void queries.fetchQuery({ ...usersQuery, staleTime: 5_000 }).catch(() => undefined);
}

interface UserChoices {
  data: { value: string; label: string }[];
  onDropdownOpen: () => void;
}

/** Every user as the choices of a select; those who are disabled only when one of `kept`, or all. */
export function useUserChoices(kept: "all" | readonly (string | null | undefined)[] = []): UserChoices {
  const users = useQuery(usersQuery).data ?? [];
  const data = users
    .filter((user) => !user.disabled || kept === "all" || kept.includes(user.id))
    .map((user) => ({ value: user.id, label: user.display_name }));
  return { data, onDropdownOpen: useRefreshedUsers() };
}

export function useUserName(): (id: string | null | undefined) => string | undefined {
  const t = useT();
  const { data: users } = useQuery(usersQuery);
  const me = useMe();
  const refresh = useRefreshedUsers();
  const isSomebodyUnknown = useRef(false);
  useEffect(() => {
    if (isSomebodyUnknown.current) refresh();
    isSomebodyUnknown.current = false;
  });
  return (id) => {
    if (!id) return undefined;
    if (id === me?.user.id) return me.user.display_name;
    if (!users) return "";
    const found = users.find((user) => user.id === id);
    isSomebodyUnknown.current ||= !found;
    return found?.display_name ?? t("state.unknownUser");
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
