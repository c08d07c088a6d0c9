/** Asking for an erasure until nothing is left: one request looks at so many entries and no more. */

import { client, take } from "@/api/client";
import type { ErasureDone, ErasureReason } from "@/api/types";

/** How many payloads went in all. Each request goes on where the one before ended. */
export async function eraseAll(asked: { record_id: string; reason: ErasureReason }): Promise<number> {
  let erased = 0;
  let cursor: string | null = null;
  for (;;) {
    const done: ErasureDone = await take(client.POST("/v1/audit/erasures", { body: { ...asked, cursor } }));
    erased += done.erased;
    if (done.is_complete) return erased;
    cursor = done.next_cursor;
  }
}
