/** A state as a coloured dot and a word: quieter than a badge in a dense list. */

import type { ReactNode } from "react";
import styles from "./Dot.module.css";

export type DotColor = "gray" | "blue" | "green" | "yellow" | "red";

export function Dot({ color, children }: { color: DotColor; children: ReactNode }) {
  return (
    <span className={styles.dot} data-color={color}>
      {children}
    </span>
  );
}
