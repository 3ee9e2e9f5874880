/**
 * The value that a Student t variable exceeds in absolute value with probability `1 - level`: the half width of a
 * two-sided interval in standard errors. Exact finite series of the distribution function, inverted by bisection.
 *
 * Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4.
 *
 * @param degrees degrees of freedom, an integer of at least 1
 * @param level probability inside of the interval, in (0, 1)
 * @example studentT(2, 0.95) // 4.3027
 */
export function studentT(degrees: number, level: number): number {
  let [low, high] = [0, 1];
  while (inside(high, degrees) < level) high *= 2;
  for (let step = 0; step < 100 && high - low > 1e-12 * high; step++) {
    const middle = (low + high) / 2;
    if (inside(middle, degrees) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(|T| <= t). */
function inside(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < degrees; k += 2) {
    term *= ((k - 1) / k) * cosine ** 2;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}
