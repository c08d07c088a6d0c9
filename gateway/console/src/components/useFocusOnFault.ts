/** Takes the person to what has to be put right. */

import { useEffect, useRef, type RefObject } from "react";

/** For a form: each new `fault` puts the cursor into the first field that is marked as wrong. */
export function useFocusOnFault(fault: unknown): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (fault) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [fault]);
  return form;
}
