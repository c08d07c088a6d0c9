/** Numbers as Japan writes them. */

const AREA_DIGITS: [RegExp, number][] = [
  [/^0(?:120|800|570|990)/, 4],
  [/^0[5789]0/, 3],
  [/^0[36]/, 2],
  [/^0(?:11|45|52|75|78|92|82|22|43|44|48|42|47|46|49|53|54|58|59|72|73|76|77|79|83|84|86|87|88|89|95|96|97|98|99|93|25|26|27|28|29|24|23|19|18|17|15|16|13|12|14)/, 3],
];

/** +819012345678 → 090-1234-5678. A number of another country stays as it is. */
export function nationalPhone(e164: string): string {
  if (!/^\+81\d{9,10}$/.test(e164)) return e164;
  const digits = `0${e164.slice(3)}`;
  const area = AREA_DIGITS.find(([pattern]) => pattern.test(digits))?.[1] ?? 3;
  const rest = digits.slice(area);
  const middle = area === 4 ? 3 : rest.length - 4;
  return `${digits.slice(0, area)}-${rest.slice(0, middle)}-${rest.slice(middle)}`;
}

/** 1000001 → 〒100-0001 */
export function postalCode(digits: string): string {
  return /^\d{7}$/.test(digits) ? `〒${digits.slice(0, 3)}-${digits.slice(3)}` : digits;
}
