/** The way from a record to the list it was opened from, which stands as it was left. */

import { useNavigate, useRouter } from "@tanstack/react-router";
import type { Resource } from "@/api/types";
import { wayToList } from "./listPlaces";
import { pathOf } from "./specs";

export function useToList(resource: Resource): () => void {
  const router = useRouter();
  const navigate = useNavigate();
  return () => {
    const { isBefore, search } = wayToList(resource, router.history.location);
    if (isBefore) router.history.back();
    else void navigate({ to: `/${pathOf(resource)}`, search: { ...search } });
  };
}
