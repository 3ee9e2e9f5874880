/**
 * The error function in float64: W. J. Cody, "Rational Chebyshev approximations for the error function",
 * Math. Comp. 23 (1969); coefficients as in his CALERF (netlib specfun/erf). Relative error about 1e-16.
 *
 * @example
 * ```ts
 * import { erfValue } from "@anabranch/engine";
 * erfValue(1); // => 0.8427
 * ```
 */
export function erfValue(x: number): number {
  const y = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (y <= 0.46875) return x * ratio(y > 1.11e-16 ? y * y : 0, smallNumerator, smallDenominator);
  if (y >= 6) return Math.sign(x);
  return Math.sign(x) * (0.5 - erfcTail(y) + 0.5);
}

/**
 * exp(x^2) erfc(x) in float64 for x >= 0, after the same source: erfc itself is 0 in float64 from x = 27 on.
 *
 * @example
 * ```ts
 * import { erfcxValue } from "@anabranch/engine";
 * erfcxValue(1); // => 0.42758
 * ```
 */
export function erfcxValue(x: number): number {
  return x <= 0.46875 ? Math.exp(x * x) * (1 - erfValue(x)) : scaledTail(x);
}

/** erfc(y) for y > 0.46875. */
function erfcTail(y: number): number {
  // exp(-y^2) split so that the square of the leading part is exact
  const lead = Math.trunc(y * 16) / 16;
  return Math.exp(-lead * lead) * Math.exp(-(y - lead) * (y + lead)) * scaledTail(y);
}

/** exp(y^2) erfc(y) for y > 0.46875. */
function scaledTail(y: number): number {
  if (y <= 4) return ratio(y, middleNumerator, middleDenominator);
  const inverse = 1 / (y * y);
  return (1 / Math.sqrt(Math.PI) - inverse * ratio(inverse, largeNumerator, largeDenominator)) / y;
}

/** Quotient of polynomials, coefficients from the highest power down. */
function ratio(x: number, numerator: readonly number[], denominator: readonly number[]): number {
  return horner(x, numerator) / horner(x, denominator);
}

function horner(x: number, coefficients: readonly number[]): number {
  let value = 0;
  for (const c of coefficients) value = value * x + c;
  return value;
}

const smallNumerator = [
  0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694,
];
const smallDenominator = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171];
const middleNumerator = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
];
const middleDenominator = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
];
const largeNumerator = [
  0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
  0.0006587491615298378,
];
const largeDenominator = [
  1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
];
