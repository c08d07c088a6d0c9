/** A list of any length: pages by cursor, only the rows in sight are drawn, the keyboard moves through it. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { useHotkeys, useMediaQuery } from "@mantine/hooks";
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useT } from "@/app/preferences";
import { usePlace } from "./usePlace";
import styles from "./RecordList.module.css";

export interface Column<T> {
  key: string;
  label: string;
  /** A CSS grid track. */
  width: string;
  show: (row: T) => ReactNode;
}

interface RecordListProps<T> {
  label: string;
  rows: T[];
  columns: Column<T>[];
  /** What a row is on a phone: two lines. */
  compact: (row: T) => ReactNode;
  idOf: (row: T) => string;
  onOpen: (row: T) => void;
  hasMore: boolean;
  isLoadingMore: boolean;
  onMore: () => void;
  footer?: ReactNode;
  /** Changes when the list is another one: it then begins at its top, or where it was left. */
  resetKey: string;
}

const ROW = 40;
const COMPACT_ROW = 62;

export function RecordList<T>(props: RecordListProps<T>) {
  const { rows, columns, idOf, onOpen, hasMore, isLoadingMore, onMore, resetKey } = props;
  const t = useT();
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const isPhone = useMediaQuery("(max-width: 48em)") ?? false;
  const [active, setActive] = useState(0);
  // Pages come by cursor, so the way to the end leads through all of them; whoever moves otherwise stops there.
  const isHeadingForEnd = useRef(false);
  const height = isPhone ? COMPACT_ROW : ROW;
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    getItemKey: (index) => (rows[index] ? idOf(rows[index]) : index),
  });
  const items = list.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  useEffect(() => list.measure(), [height, list]);
  const onScroll = usePlace({
    list: resetKey,
    scroller,
    active,
    height: rows.length * height,
    hasMore,
    isLoadingMore,
    onMore,
    onPlace: (place, offset) => {
      setActive(place);
      isHeadingForEnd.current = false;
      list.scrollToOffset(offset);
    },
  });
  useEffect(() => {
    if (hasMore && !isLoadingMore && last >= rows.length - 40) onMore();
  }, [hasMore, isLoadingMore, last, rows.length, onMore]);
  useEffect(() => {
    if (!isHeadingForEnd.current || rows.length === 0) return;
    setActive(rows.length - 1);
    list.scrollToIndex(rows.length - 1, { align: "end" });
    isHeadingForEnd.current = hasMore;
  }, [rows.length, hasMore, list]);
  useHotkeys([["j", () => scroller.current?.focus()]]);

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing || event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / height) - 1);
    const steps: Record<string, number> = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page };
    const row = rows[active];
    let next: number | undefined;
    if (event.key in steps) next = active + (steps[event.key] ?? 0);
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = rows.length - 1;
    else if (event.key === "Enter" && row) onOpen(row);
    else return;
    isHeadingForEnd.current = event.key === "End" && hasMore;
    event.preventDefault();
    if (next === undefined) return;
    const place = Math.min(Math.max(next, 0), rows.length - 1);
    setActive(place);
    list.scrollToIndex(place, { align: "auto" });
  }

  const template = columns.map((column) => column.width).join(" ");
  return (
    <div
      ref={scroller}
      className={styles.scroller}
      role="grid"
      aria-label={props.label}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      aria-activedescendant={rows[active] ? `${id}-${active}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onScroll={onScroll}
      onWheel={() => (isHeadingForEnd.current = false)}
      onPointerDown={() => (isHeadingForEnd.current = false)}
    >
      {!isPhone && (
        <div className={styles.head} role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
          {columns.map((column) => (
            <div key={column.key} role="columnheader" className={styles.headCell}>
              {column.label}
            </div>
          ))}
        </div>
      )}
      <div role="rowgroup" style={{ height: list.getTotalSize(), position: "relative", minWidth: isPhone ? undefined : "fit-content" }}>
        {items.map((item) => {
          const row = rows[item.index];
          return row === undefined ? null : (
            <div
              key={item.key}
              id={`${id}-${item.index}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={item.index === active}
              className={styles.row}
              data-active={item.index === active || undefined}
              style={{ height, transform: `translateY(${item.start}px)`, gridTemplateColumns: isPhone ? "1fr" : template }}
              onMouseDown={() => setActive(item.index)}
              onClick={(event) => {
                if (!(event.target as HTMLElement).closest("a, button")) onOpen(row);
              }}
            >
              {isPhone ? (
                <div role="gridcell" className={styles.compact}>
                  {props.compact(row)}
                </div>
              ) : (
                columns.map((column) => (
                  <div key={column.key} role="gridcell" className={styles.cell}>
                    {column.show(row)}
                  </div>
                ))
              )}
            </div>
          );
        })}
      </div>
      <div className={styles.foot} role="presentation">
        {isLoadingMore ? t("list.loadingMore") : props.footer}
      </div>
    </div>
  );
}
