/** Moving a field among its neighbours. */

interface Placed {
  position: number;
}

/**
 * The fields whose position changes when the one at `place` moves by `step`, with their new position.
 * Positions become 0, 1, 2 …: fields that shared one are told apart from then on.
 */
export function positionsAfterMove<F extends Placed>(fields: readonly F[], place: number, step: 1 | -1): { field: F; position: number }[] {
  const order = [...fields];
  const moved = order[place];
  const other = order[place + step];
  if (moved === undefined || other === undefined) return [];
  order[place] = other;
  order[place + step] = moved;
  return order.flatMap((field, position) => (field.position === position ? [] : [{ field, position }]));
}
