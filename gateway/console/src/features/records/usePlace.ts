/** Keeps where a person is in a list, and returns them there when they come back to it. */

import { useRouter } from "@tanstack/react-router";
import { useEffect, useRef, type RefObject } from "react";
import { keepPlace, placeIn, type Place } from "./listPlaces";

interface PlaceOptions {
  list: string;
  scroller: RefObject<HTMLDivElement | null>;
  active: number;
  /** How high the rows are that are here. */
  height: number;
  hasMore: boolean;
  isLoadingMore: boolean;
  onMore: () => void;
  /** Called when another list begins, and when one is come back to. */
  onPlace: (active: number, offset: number) => void;
}

/** Returns what the scroller has to call when it is scrolled. */
export function usePlace({ list, scroller, active, height, hasMore, isLoadingMore, onMore, onPlace }: PlaceOptions): () => void {
  const { history } = useRouter();
  const now = useRef<Place>({ list, offset: 0, active: 0, isFocused: false });
  const wanted = useRef<Place>(undefined);
  now.current.active = active;

  useEffect(() => {
    const entry = history.location;
    const found = placeIn(entry, list);
    now.current = { list, offset: found?.offset ?? 0, active: found?.active ?? 0, isFocused: false };
    wanted.current = found;
    if (!found) onPlace(0, 0);
    const element = scroller.current;
    const onFocus = () => (now.current.isFocused = element?.contains(document.activeElement) ?? false);
    document.addEventListener("focusin", onFocus);
    return () => {
      document.removeEventListener("focusin", onFocus);
      keepPlace(entry, wanted.current ?? now.current);
    };
    // What is called is made anew with every drawing; a list begins when it is another one.
  }, [list, history]);

  useEffect(() => {
    const place = wanted.current;
    if (!place) return;
    const room = scroller.current?.clientHeight ?? 0;
    if (height < place.offset + room && hasMore) {
      // The rows that were here are asked for again, page by page.
      if (!isLoadingMore) onMore();
      return;
    }
    wanted.current = undefined;
    onPlace(place.active, place.offset);
    if (place.isFocused) scroller.current?.focus({ preventScroll: true });
  }, [list, height, hasMore, isLoadingMore]);

  return () => {
    if (!wanted.current) now.current.offset = scroller.current?.scrollTop ?? 0;
  };
}
