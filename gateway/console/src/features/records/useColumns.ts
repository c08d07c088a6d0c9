/** Which columns a person wants to see in a list, kept on their device. */

import { useState } from "react";

export function useShownColumns(list: string, initial: readonly string[]): [readonly string[], (key: string) => void] {
  const stored = `daicho.columns.${list}`;
  const [shown, setShown] = useState<readonly string[]>(() => read(stored) ?? initial);
  function toggle(key: string): void {
    setShown((now) => {
      const next = now.includes(key) ? now.filter((each) => each !== key) : [...now, key];
      try {
        localStorage.setItem(stored, JSON.stringify(next));
      } catch {
        // Storage is closed to us: the choice lasts as long as the page.
      }
      return next;
    });
  }
  return [shown, toggle];
}

function read(stored: string): string[] | undefined {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(stored) ?? "null");
    return Array.isArray(found) && found.every((each) => typeof each === "string") ? found : undefined;
  } catch {
    return undefined;
  }
}
