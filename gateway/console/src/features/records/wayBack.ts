/** The way from a record back to the list it was opened from, and the place where the list was left. */

import { useLocation, useRouter } from "@tanstack/react-router";
import { useEffect, useRef, type MouseEvent } from "react";

declare module "@tanstack/react-router" {
  interface HistoryState {
    /** The entry before this one is the list that the record was opened from. */
    isFromList?: boolean;
  }
}

export const FROM_LIST = { isFromList: true } as const;

export interface Place {
  /** Pixels from the list's top. */
  offset: number;
  /** The row that the keyboard is at. */
  active: number;
}

// By entry of the history: whoever comes back to it finds his place, whoever opens the list anew its top.
const places = new Map<string, Place>();

/** Where this list was left, if one came back to it; and a function that remembers where it is now. */
export function usePlace(): [Place | undefined, (place: Place) => void] {
  const { pathname, state } = useLocation();
  const path = useRef(pathname);
  const entry = useRef(state.__TSR_key ?? "");
  useEffect(() => {
    // When the list is left the address is another's before the list is gone.
    if (pathname === path.current) entry.current = state.__TSR_key ?? "";
  }, [pathname, state]);
  return [places.get(entry.current), (place) => void places.set(entry.current, place)];
}

/** Leads from a record to its list: back, so that it is as it was left, when the record was opened from there. */
export function useWayBack(path: "/contacts" | "/companies"): () => void {
  const router = useRouter();
  const isFromList = useLocation({ select: (location) => location.state.isFromList === true });
  return () => {
    if (isFromList) router.history.back();
    else void router.navigate({ to: path });
  };
}

/** Whether a click means the page itself and not a new tab or window. */
export function isPlain(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
}
