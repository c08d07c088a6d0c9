/** What a postal code's place puts into an address. */

import type { Values } from "./values";

export interface Place {
  prefecture: string;
  city: string;
  town: string;
}

/** The parts of the address under `group` that `place` decides. A street that a person wrote stays as it is. */
export function filledFrom(place: Place, all: readonly Place[], now: Values, group: string): Values {
  const street = now[`${group}.street`];
  const isOurs = !street || all.some((each) => each.town === street);
  return {
    [`${group}.prefecture`]: place.prefecture,
    [`${group}.city`]: place.city,
    ...(isOurs ? { [`${group}.street`]: place.town } : {}),
  };
}
