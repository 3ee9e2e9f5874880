import { AnabranchError, largest } from "@anabranch/engine";
import { type Accountant, accountantOf, type Bound } from "./accountant.ts";
import { allocationLoss } from "./allocation-loss.ts";
import { allocationRatio, type BlockRatio, LEAST_ALLOCATED_NOISE, MOST_ALLOCATED_NOISE } from "./allocation-ratio.ts";
import type { PrivacyEvent } from "./events.ts";
import { createFft, type Fft } from "./fft.ts";
import { squaredMu } from "./gaussian.ts";
import { composeLosses } from "./pld-compose.ts";
import { type ComposedLoss, deltaOf, epsilonAt } from "./pld-curve.ts";
import { type Repeated, windowOf } from "./pld-window.ts";
import { type Direction, gaussianLoss, LEAST_NOISE, type LossDistribution, lossDistribution } from "./privacy-loss.ts";

export interface PldOptions {
  /**
   * Points of the grid on which losses are composed, a power of two. By default it grows from 16,384 to at most 262,144
   * until the bracket is narrow: half a percent of epsilon, or five of delta.
   */
  readonly gridSize?: number;
}

/** Both sides of the truth, for each way round that two neighbouring populations can be compared. */
type Composed = readonly { readonly upper: ComposedLoss; readonly lower: ComposedLoss }[];

/** What is read off a composed loss, its worst value, and how wide a bracket of it may be in parts of the value. */
interface Query {
  readonly read: (loss: ComposedLoss) => number;
  readonly worst: number;
  readonly tolerance: number;
}

/**
 * Accountant by privacy loss distributions: composes the losses themselves, so its epsilon is the true one within a
 * bracket, of which the upper end is reported and the lower end is `lowerBound`. It knows Gaussian noise (with Poisson
 * sampling or without, trees) and Laplace noise. Sources: `discretise`, `composeLosses`, `lossDistribution`.
 *
 * @example
 * ```ts
 * import { pldAccountant } from "@anabranch/core";
 * const { epsilon } = pldAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4, count: 10 }], 1e-5);
 * epsilon; // => 3.3414
 * ```
 */
export function pldAccountant(options: PldOptions = {}): Accountant {
  const { gridSize } = options;
  if (gridSize !== undefined) checkGridSize(gridSize);
  const sizes = gridSize === undefined ? [16_384, 65_536, 262_144] : [gridSize];
  const transforms = new Map<number, Fft>();
  const transform = (size: number) => {
    const fft = transforms.get(size) ?? createFft(size);
    transforms.set(size, fft);
    return fft;
  };
  const lossOf = rememberedLosses();
  const answer = (events: readonly PrivacyEvent[], query: Query): Bound => {
    if (events.some((event) => isNearlySilent(event) && squaredMu(event) !== 0)) return { value: query.worst };
    // Ends of every bracket hold: a finer grid never takes back what a coarser one has shown.
    let best = { value: query.worst, lower: 0 };
    for (const size of sizes) {
      const { value, lower } = bracket(compose(events, lossOf, transform(size)), query.read);
      best = { value: Math.min(best.value, value), lower: Math.max(best.lower, lower) };
      const width = best.value - best.lower;
      if (Number.isFinite(width) && width <= query.tolerance * best.value) return closed(best);
    }
    return { ...closed(best), warnings: gridSize === undefined ? [wide(best)] : [] };
  };
  return accountantOf({
    name: "pld",
    assumption: "privacy loss distributions: the upper end of a bracket that contains the true value",
    epsilon: (events, delta) =>
      answer(events, { read: (loss) => epsilonAt(loss, delta), worst: Number.POSITIVE_INFINITY, tolerance: 0.005 }),
    delta: (events, epsilon) => answer(events, { read: (loss) => deltaOf(loss, epsilon), worst: 1, tolerance: 0.05 }),
  });
}

interface Bracket {
  readonly value: number;
  readonly lower: number;
}

function bracket(composed: Composed, read: (loss: ComposedLoss) => number): Bracket {
  const ends = (side: "upper" | "lower") =>
    largest(
      composed.map((loss) => read(loss[side])),
      0,
    );
  return { value: ends("upper"), lower: ends("lower") };
}

/** A bracket narrower than rounding may cross: the larger end is the cautious one. */
function closed({ value, lower }: Bracket): Bracket {
  return { value: Math.max(value, lower), lower };
}

function wide({ value, lower }: Bracket): string {
  if (value === Number.POSITIVE_INFINITY) {
    return `no epsilon can be stated at so small a delta: rounding leaves more than that; the true value is at least ${lower.toPrecision(4)}`;
  }
  return `the largest grid leaves a wide bracket, ${lower.toPrecision(4)} to ${value.toPrecision(4)}`;
}

function compose(events: readonly PrivacyEvent[], lossOf: typeof lossDistribution, fft: Fft): Composed {
  const directions: Direction[] = events.some(isAsymmetric) ? ["remove", "add"] : ["remove"];
  return directions.flatMap((direction) => {
    const losses = lossesOf(events, lossOf, direction);
    if (losses.length === 0) return [];
    return [composeLosses(losses, windowOf(losses), fft)];
  });
}

function isNearlySilent(event: PrivacyEvent): boolean {
  const least = event.kind === "allocated-gaussian" ? LEAST_ALLOCATED_NOISE : LEAST_NOISE;
  return "noiseMultiplier" in event && event.noiseMultiplier < least;
}

/** Losses of events. Those of blocks take a fraction of a second and serve both directions: they are computed once. */
function rememberedLosses(): typeof lossDistribution {
  const blocks = new Map<string, BlockRatio>();
  return (event, direction) => {
    if (event.kind !== "allocated-gaussian") return lossDistribution(event, direction);
    const noise = Math.min(MOST_ALLOCATED_NOISE, event.noiseMultiplier);
    const key = `${event.block} ${noise}`;
    const ratio = blocks.get(key) ?? allocationRatio(event.block, noise);
    blocks.set(key, ratio);
    const loss = allocationLoss(ratio, direction);
    return noise === event.noiseMultiplier ? loss : { ...loss, optimistic: gaussianLoss(LEAST_SQUARED_MU) };
  };
}

/** Only sampling makes it matter which of two populations has the client. */
function isAsymmetric(event: PrivacyEvent): boolean {
  return (event.kind === "poisson-gaussian" || event.kind === "allocated-gaussian") && squaredMu(event) === undefined;
}

/** Smaller mu^2 count as this: further squares stay in float64. */
const LEAST_SQUARED_MU = 1e-100;

/** The losses of all events in one direction; all unsampled Gaussian noise is one Gaussian. */
function lossesOf(
  events: readonly PrivacyEvent[],
  lossOf: typeof lossDistribution,
  direction: Direction,
): Repeated<LossDistribution>[] {
  const gaussian = events.reduce((sum, event) => sum + event.count * (squaredMu(event) ?? 0), 0);
  const others = events.filter((event) => squaredMu(event) === undefined);
  return [
    ...(gaussian > 0 ? [{ item: gaussianLoss(Math.max(LEAST_SQUARED_MU, gaussian)), count: 1 }] : []),
    ...others.map((event) => ({ item: lossOf(event, direction), count: event.count })),
  ];
}

function checkGridSize(size: number): void {
  if (Number.isInteger(Math.log2(size)) && size >= 1024) return;
  throw new AnabranchError({
    code: "privacy/grid",
    message: "the grid of privacy losses has the wrong size",
    received: String(size),
    expected: "a power of two of at least 1,024",
    advice: "Leave the size out: it is then chosen for a narrow bracket.",
  });
}
