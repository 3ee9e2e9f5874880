import type { Fft } from "./fft.ts";
import type { ComposedLoss } from "./pld-curve.ts";
import { discretise, type LossMass } from "./pld-discretise.ts";
import { sureExcess } from "./pld-excess.ts";
import { type Repeated, TAIL, tailBound, type Window } from "./pld-window.ts";
import type { LossDistribution } from "./privacy-loss.ts";

/** Real vectors a and b, packed as a + ib, share one complex transform. */
interface Spectra {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * The sum of independent privacy losses (A. Koskela, J. Jälkö, A. Honkela, "Computing Tight Differential Privacy
 * Guarantees Using FFT", AISTATS 2020, arXiv:1906.03049), once from pessimistic and once from optimistic parts. What a
 * circular convolution folds back into the window, and the noise of rounding, are bounded and kept beside the result.
 */
export function composeLosses(
  losses: readonly Repeated<LossDistribution>[],
  window: Window,
  fft: Fft,
): { upper: ComposedLoss; lower: ComposedLoss } {
  // Room for the rounding of every part by one step, as far as the grid has it.
  const room = Math.min(
    fft.size / 16,
    losses.reduce((sum, { count }) => sum + count, 0),
  );
  const step = (window.high - window.low) / (fft.size - 2 - 2 * room);
  const parts = losses.map(({ item, count }) => ({ ...discretise(item, step, 4 * fft.size), count }));
  const half = fft.size / 2;
  const upper = unit(half);
  const lower = unit(half);
  for (const part of parts) multiply(upper, lower, part, fft);
  const packed = pack(upper, lower, fft.size);
  fft.inverse(packed.re, packed.im);
  const uppers = parts.map((part) => ({ item: part.upper, count: part.count }));
  const lowers = parts.map((part) => ({ item: part.lower, count: part.count }));
  // Discretising moves the losses as a whole, and their window with them.
  const drift = totalOf(uppers, (item) => meanOf(item, step)) - totalOf(lowers, (item) => meanOf(item, step));
  const bottom = Math.floor(window.low / step) - room;
  const shift = totalOf(lowers, (item) => item.shift);
  const lowerBottom = Math.floor((window.low - drift - shift) / step) - room;
  // Mass folded from above is missed, mass folded from below only adds: the other way round for the optimistic side.
  const missed = tailBound(uppers, step, window.highExponent, (bottom + fft.size) * step);
  const added = tailBound(lowers, step, -window.lowExponent, lowerBottom * step + shift);
  const above = unfold(packed.re, uppers, bottom);
  const below = unfold(packed.im, lowers, lowerBottom);
  // Every release rounds its probabilities once.
  const rounding = totalOf(uppers, () => Number.EPSILON);
  return {
    upper: {
      mass: above.mass,
      lowest: bottom * step,
      step,
      correction: missed + totalOf(uppers, ({ infinite }) => infinite) + above.noise + rounding,
    },
    lower: {
      mass: below.mass,
      lowest: lowerBottom * step + shift + sureExcess(lowers, -Math.log(TAIL)),
      step,
      correction: -(added + TAIL + below.noise + rounding),
    },
  };
}

function totalOf<T>(parts: readonly Repeated<T>[], value: (item: T) => number): number {
  return parts.reduce((sum, { item, count }) => sum + count * value(item), 0);
}

function meanOf({ mass, first, shift }: LossMass, step: number): number {
  return mass.reduce((sum, p, i) => sum + p * ((first + i) * step + shift), 0);
}

function unit(half: number): Spectra {
  return { re: new Float64Array(half + 1).fill(1), im: new Float64Array(half + 1) };
}

/** Multiplies both spectra by those of a part, to the power of its count. */
function multiply(
  upper: Spectra,
  lower: Spectra,
  part: { readonly upper: LossMass; readonly lower: LossMass; readonly count: number },
  fft: Fft,
): void {
  const re = new Float64Array(fft.size);
  const im = new Float64Array(fft.size);
  const mask = fft.size - 1;
  for (let i = 0; i < part.upper.mass.length; i++) re[i & mask]! += part.upper.mass[i]!;
  for (let i = 0; i < part.lower.mass.length; i++) im[i & mask]! += part.lower.mass[i]!;
  fft.forward(re, im);
  for (let k = 0; k <= fft.size / 2; k++) {
    const mirror = (fft.size - k) & mask;
    // Even and odd parts of the packed transform.
    times(upper, k, (re[k]! + re[mirror]!) / 2, (im[k]! - im[mirror]!) / 2, part.count);
    times(lower, k, (im[k]! + im[mirror]!) / 2, (re[mirror]! - re[k]!) / 2, part.count);
  }
}

/** spectrum[k] *= (a + ib)^count, by repeated squaring. */
function times(spectrum: Spectra, k: number, a: number, b: number, count: number): void {
  let x = spectrum.re[k]!;
  let y = spectrum.im[k]!;
  let re = a;
  let im = b;
  for (let left = count; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) {
      const next = x * re - y * im;
      y = x * im + y * re;
      x = next;
    }
    const square = re * re - im * im;
    im = 2 * re * im;
    re = square;
  }
  spectrum.re[k] = x;
  spectrum.im[k] = y;
}

/** The full transform of a + ib from the halves of two transforms of real vectors. */
function pack(a: Spectra, b: Spectra, size: number): Spectra {
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  for (let k = 0; k <= size / 2; k++) {
    const mirror = (size - k) & (size - 1);
    re[k] = a.re[k]! - b.im[k]!;
    im[k] = a.im[k]! + b.re[k]!;
    re[mirror] = a.re[k]! + b.im[k]!;
    im[mirror] = b.re[k]! - a.im[k]!;
  }
  // The first and the middle entry are their own mirrors; both transforms are real there.
  for (const k of [0, size / 2]) {
    re[k] = a.re[k]!;
    im[k] = b.re[k]!;
  }
  return { re, im };
}

/** Brings a circular result into the order of a window; what is below 0 there is noise of rounding. */
function unfold(
  circular: Float64Array,
  parts: readonly Repeated<LossMass>[],
  bottom: number,
): { mass: Float64Array; noise: number } {
  const { length } = circular;
  const modulo = (value: number) => ((value % length) + length) % length;
  // Indices of a large count have more digits than a number.
  const origin = parts.reduce((sum, { item, count }) => modulo(sum + modulo(item.first) * modulo(count)), 0);
  const start = modulo(bottom - origin);
  const mass = new Float64Array(length);
  let noise = 0;
  for (let i = 0; i < length; i++) {
    const value = circular[(start + i) & (length - 1)]!;
    if (value > 0) mass[i] = value;
    else noise -= value;
  }
  return { mass, noise };
}
