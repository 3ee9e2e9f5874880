import { AnabranchError } from "@anabranch/engine";
import { isFiniteVector, type Vector } from "../../params/vector.ts";
import { applyStage } from "./before.ts";
import { bulyan } from "./bulyan.ts";
import { centredClipping } from "./centred-clipping.ts";
import { median, nearestToCentre, trimmedMean } from "./coordinates.ts";
import { fltrust } from "./fltrust.ts";
import { geometricMedian } from "./geometric-median.ts";
import { krum, multiKrum } from "./krum.ts";
import { minimumDiameter } from "./minimum-diameter.ts";
import { over, type Passes, pick, runInMemory, type UpdateSet } from "./passes.ts";
import { requireUpdates } from "./requirements.ts";
import { isWeighted, type RobustRule, type SetRule, withoutDropped } from "./rule.ts";
import { ones, weightedMeanOf } from "./weighted-sum.ts";

/** What a rule may need beside the updates. */
export interface RuleInputs {
  /** Weights of the updates, for rules that weigh (`isWeighted`); absent: all 1. */
  readonly weights?: readonly number[] | undefined;
  /** Centred clipping: the aggregate of the last round [d]; absent: zeros. */
  readonly previous?: Vector | undefined;
  /** FLTrust: the update of the server [d]. */
  readonly root?: Vector | undefined;
}

/** What a rule returns. */
export interface RobustAggregate {
  /** [d], in float64. */
  readonly aggregate: Float64Array<ArrayBuffer>;
  /** Krum and its relatives: scores by update. */
  readonly scores?: readonly number[];
  /** Rules that choose: the chosen updates by their places in what came, in the order of choice. */
  readonly selected?: readonly number[];
  /** FLTrust: trust by update. */
  readonly trust?: readonly number[];
  /** Updates with a value that is not finite: they count as Byzantine. */
  readonly dropped: readonly number[];
}

/**
 * Aggregates updates [n][d] by a robust rule. Updates that are not finite are dropped first, and the rule then expects as many
 * Byzantine updates fewer. Throws `aggregation/too-few` where the rule needs more updates, and `aggregation/option`,
 * `aggregation/weights`, `aggregation/root`, `aggregation/permutation` or `aggregation/length` for what does not fit.
 *
 * @example
 * ```ts
 * import { aggregate } from "@anabranch/core";
 * const updates = [1, 2, 3, 4, 100].map((value) => Float32Array.of(value));
 * aggregate({ name: "median" }, updates).aggregate; // => [3]
 * aggregate({ name: "krum", byzantine: 1 }, updates).selected; // => [1]
 * ```
 */
export function aggregate(rule: RobustRule, updates: readonly Vector[], inputs: RuleInputs = {}): RobustAggregate {
  const size = updates[0]?.length ?? 0;
  const uneven = [...updates, ...[inputs.previous, inputs.root].filter((vector) => vector !== undefined)];
  const odd = uneven.find(({ length }) => length !== size);
  if (odd !== undefined) throw misfit(odd.length, size);
  return runInMemory(aggregationPasses(rule, updates.length, size, inputs), updates, size);
}

/**
 * The same as passes over `count` vectors of `size` elements, wherever they lie.
 *
 * @example
 * ```ts
 * import { aggregationPasses, runInMemory } from "@anabranch/core";
 * const rule = aggregationPasses({ name: "mean" }, 2, 1, {});
 * runInMemory(rule, [Float32Array.of(1), Float32Array.of(3)], 1).aggregate; // => [2]
 * ```
 */
export function* aggregationPasses(
  rule: RobustRule,
  count: number,
  size: number,
  inputs: RuleInputs = {},
): Passes<RobustAggregate> {
  const everything: UpdateSet = { count, size, view: (block) => block };
  const finite = yield* finitePlaces(everything);
  const dropped = count - finite.length;
  if (finite.length === 0) throw nothingFinite(count);
  let set = dropped === 0 ? everything : pick(everything, finite);
  let weights = inputs.weights === undefined ? undefined : finite.map((place) => inputs.weights![place]!);
  if (weights !== undefined) requireWeighted(rule);
  for (const stage of rule.before ?? []) {
    const before = set.count;
    set = yield* applyStage(set, withoutDropped(stage, count, finite));
    if (weights !== undefined && set.count !== before) throw unweighted(stage.name);
  }
  weights ??= ones(set.count);
  const adapted = withoutDropped(rule, count, finite);
  requireUpdates(adapted, set.count);
  const result = yield* applyRule(adapted, set, weights, inputs);
  const everyPlace = set.count === finite.length;
  const selected = result.selected?.map((place) => (everyPlace ? finite[place]! : place));
  const lost = Array.from({ length: count }, (_, place) => place).filter((place) => !finite.includes(place));
  return { ...result, ...(selected === undefined ? {} : { selected }), dropped: lost };
}

function* applyRule(
  rule: SetRule,
  set: UpdateSet,
  weights: readonly number[],
  { previous, root }: RuleInputs,
): Passes<Omit<RobustAggregate, "dropped">> {
  switch (rule.name) {
    case "mean":
      return { aggregate: yield* weightedMeanOf(set, weights) };
    case "norm-bound":
      return { aggregate: yield* weightedMeanOf(yield* applyStage(set, rule), weights) };
    case "median":
      return { aggregate: yield* median(set) };
    case "trimmed-mean": {
      const trim = rule.ratio === undefined ? (rule.byzantine ?? 0) : Math.floor(rule.ratio * set.count);
      return { aggregate: yield* trimmedMean(set, trim) };
    }
    case "meamed":
    case "phocas": {
      const trim = rule.name === "phocas" ? rule.byzantine : undefined;
      return { aggregate: yield* nearestToCentre(set, { keep: set.count - rule.byzantine, trim }) };
    }
    case "krum":
      return yield* krum(set, rule.byzantine, rule.neighbours);
    case "multi-krum":
      return yield* multiKrum(set, rule);
    case "geometric-median":
      return { aggregate: yield* geometricMedian(set, weights, rule) };
    case "bulyan":
      return yield* bulyan(set, rule.byzantine);
    case "centred-clipping":
      return { aggregate: yield* centredClipping(set, previous, rule.radius, rule.iterations) };
    case "minimum-diameter":
      return yield* minimumDiameter(set, rule.byzantine);
    case "fltrust":
      if (root === undefined) throw noRoot();
      return yield* fltrust(set, root);
  }
}

function* finitePlaces(set: UpdateSet): Passes<number[]> {
  const finite = new Array<boolean>(set.count).fill(true);
  yield* over(set, (block) => {
    for (const [place, vector] of block.entries()) finite[place] &&= isFiniteVector(vector);
  });
  return finite.flatMap((kept, place) => (kept ? [place] : []));
}

function requireWeighted(rule: SetRule): void {
  if (isWeighted(rule)) return;
  throw new AnabranchError({
    code: "aggregation/weights",
    message: `the rule "${rule.name}" weighs all updates alike`,
    received: "weights",
    expected: "none",
    advice: "Leave the weights out, or use mean, norm-bound or geometric-median.",
  });
}

function unweighted(stage: string): AnabranchError {
  return new AnabranchError({
    code: "aggregation/weights",
    message: `after the stage "${stage}" weights fit no update any more`,
    received: "weights",
    expected: "none",
    advice: "Leave the weights out, or this stage.",
  });
}

function noRoot(): AnabranchError {
  return new AnabranchError({
    code: "aggregation/root",
    message: "FLTrust compares updates with one that the server trained",
    received: "no root update",
    expected: "an update of the server",
  });
}

function nothingFinite(count: number): AnabranchError {
  return new AnabranchError({
    code: "aggregation/too-few",
    message: "no update is finite",
    received: `${count} updates`,
    expected: "at least one finite update",
    advice: "Lower training.learningRate, or see the client.failed events of this round.",
  });
}

function misfit(length: number, size: number): AnabranchError {
  return new AnabranchError({
    code: "aggregation/length",
    message: "the vectors of a rule have different lengths",
    received: `${length} elements`,
    expected: `${size} elements`,
    advice: "All updates of a round must come from the same model.",
  });
}
