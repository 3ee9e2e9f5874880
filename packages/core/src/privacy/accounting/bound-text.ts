/** Relative size of rounding errors that change no digit shown. */
const ROUNDING = 1e-12;

/**
 * An upper bound for people, with `digits` significant digits: rounded up, so that what is shown is a bound, too. Only 0
 * is shown as 0. "none" for a value that is not finite.
 *
 * @example
 * ```ts
 * import { boundText } from "@anabranch/core";
 * boundText(7.9461); // => "7.947"
 * ```
 */
export function boundText(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return "none";
  const nearest = Number(value.toPrecision(digits));
  if (nearest >= value - Math.abs(value) * ROUNDING) return String(nearest);
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) + 1 - digits);
  return String(Number((nearest + step).toPrecision(digits)));
}
