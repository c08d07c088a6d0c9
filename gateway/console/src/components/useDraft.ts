/** What was typed into a form, kept beside it until it is saved or given up. */

import { useState } from "react";

/** In memory only: what people type about others is not written to the device. */
const drafts = new Map<string, unknown>();

interface DraftState<V> {
  draft: V;
  set: (part: Partial<V>) => void;
  /** Forget it: it was saved, or its reader gave it up. */
  drop: () => void;
}

/**
 * The draft called `name`, else `initial`. A form that an error took away has its draft when it is drawn again.
 * One name is one form of one version of a record.
 */
export function useDraft<V extends object>(name: string, initial: V): DraftState<V> {
  const [draft, setDraft] = useState<V>(() => (drafts.get(name) as V | undefined) ?? initial);
  function set(part: Partial<V>) {
    setDraft((now) => {
      const next = { ...now, ...part };
      drafts.set(name, next);
      return next;
    });
  }
  return { draft, set, drop: () => void drafts.delete(name) };
}
