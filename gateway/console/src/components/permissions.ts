/** What the signed-in user may do; the services decide, this only spares them dead ends. */

import { useQuery } from "@tanstack/react-query";
import { meQuery } from "@/api/queries";
import type { Me } from "@/api/types";

export function useMe(): Me | undefined {
  return useQuery(meQuery).data;
}

/** Whether the user holds `permission` at any scope. */
export function useMay(): (permission: string) => boolean {
  const me = useMe();
  return (permission) => (me?.permissions[permission] ?? "none") !== "none";
}
