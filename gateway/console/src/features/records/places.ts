/** What a postal code's place puts into an address. */

import type { Values } from "./values";

export interface Place {
  prefecture: string;
  city: string;
  town: string;
}

/** The parts of the address under `group` that `place` decides. Of the street only the `filled` part gives way: not what a person wrote. */
export function filledFrom(place: Place, filled: string, now: Values, group: string): Values {
  const street = now[`${group}.street`];
  const isOurs = !street || street === filled;
  return {
    [`${group}.prefecture`]: place.prefecture,
    [`${group}.city`]: place.city,
    ...(isOurs ? { [`${group}.street`]: place.town } : {}),
  };
}
