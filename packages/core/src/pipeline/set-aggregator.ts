import { AnabranchError, type Failure } from "@anabranch/engine";
import {
  aggregationPasses,
  type BeforeStage,
  isWeighted,
  type RobustAggregate,
  type RobustRule,
} from "../aggregation/robust/index.ts";
import { runFromChunks } from "../aggregation/robust/passes.ts";
import type { RuleReport } from "../aggregation/rule-report.ts";
import type { Payloads } from "../algorithms/algorithm.ts";
import { type CohortMeasurements, CohortMeters, NOTHING_MEASURED } from "../metrics/cohort-meters.ts";
import type { DiagnosticsSettings } from "../metrics/settings.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { Update } from "../protocol/message.ts";
import { deriveKey, permutation, type RandomKey, randomStream } from "../random/index.ts";
import type { Aggregator, Traffic } from "./aggregator.ts";
import { CohortMetrics } from "./cohort-metrics.ts";
import { type ScratchStore, UpdateArena } from "./update-arena.ts";

export interface SetAggregatorParts {
  readonly rule: RobustRule;
  readonly payloads: Payloads;
  readonly layout: Layout;
  readonly float: "float32" | "float64";
  readonly diagnostics?: DiagnosticsSettings | undefined;
  /** Of the order of bucketing, by round. */
  readonly key: RandomKey;
  /** Where updates go that do not fit in memory. */
  readonly scratch?: ScratchStore | undefined;
  /** Bytes of updates that stay in memory. */
  readonly memory?: number | undefined;
}

/** Updates of a cohort that stay in memory, 1 GiB. */
const USUAL_MEMORY = 2 ** 30;

/**
 * Keeps a cohort's updates, in cohort order, and aggregates them by a rule that sees them all. The vectors of an update are
 * joined, in the order of their names: distances and norms are those of the whole update.
 */
export class SetAggregator implements Aggregator {
  readonly metrics = new CohortMetrics();
  readonly cost = undefined;
  readonly #parts: SetAggregatorParts;
  readonly #vectors: readonly { readonly name: string; readonly begin: number; readonly end: number }[];
  readonly #size: number;
  readonly #arena: UpdateArena;
  readonly #meters: CohortMeters;
  #measured = NOTHING_MEASURED;
  #round = 0;
  #clients: number[] = [];
  #weights: number[] = [];
  #root: Vector | undefined;
  #result: RobustAggregate | undefined;

  constructor(parts: SetAggregatorParts) {
    const { payloads, layout, float, diagnostics, scratch, memory } = parts;
    this.#parts = parts;
    let end = 0;
    this.#vectors = Object.entries(payloads.upload)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, upload]) => {
        const begin = end;
        end += upload.layout.size;
        return { name, begin, end };
      });
    this.#size = end;
    this.#arena = new UpdateArena({ size: end, float, limit: memory ?? USUAL_MEMORY, store: scratch });
    this.#meters = new CohortMeters(payloads, layout, diagnostics);
  }

  begin(round: number, cohort: readonly number[]): void {
    this.#arena.begin(cohort.length);
    this.#meters.reset();
    this.#measured = NOTHING_MEASURED;
    this.metrics.reset();
    this.#round = round;
    this.#clients = [];
    this.#weights = [];
    this.#root = undefined;
    this.#result = undefined;
  }

  addAll(updates: readonly Update[], factors?: readonly number[]): void {
    for (const [k, update] of updates.entries()) {
      const factor = factors?.[k] ?? 1;
      const joined = this.#joinInto(this.#arena.add(), update);
      if (factor !== 1) for (let i = 0; i < joined.length; i++) joined[i] = joined[i]! * factor;
      this.#clients.push(update.client);
      this.#weights.push(update.public.weight);
      this.metrics.add(update.public, factor);
    }
    const weights = updates.map((update) => update.public.weight);
    this.#meters.add((name) => updates.map((update) => update.vectors[name]!), weights, factors);
  }

  /** The update of the server itself, which others are compared with. */
  addRoot(update: Update): void {
    const { float } = this.#parts;
    this.#root = this.#joinInto(
      float === "float64" ? new Float64Array(this.#size) : new Float32Array(this.#size),
      update,
    );
  }

  settle(): Promise<void> {
    return this.#arena.settle();
  }

  async finish(previous?: Vector): Promise<Failure | undefined> {
    const count = this.#arena.count;
    if (count === 0) return undefined;
    const rule = this.#ruleOf(count);
    const weights = weighs(rule, this.#parts.payloads) ? this.#weights : undefined;
    try {
      const passes = aggregationPasses(rule, count, this.#size, { weights, previous, root: this.#root });
      this.#result = await runFromChunks(passes, this.#arena.source());
      return undefined;
    } catch (error) {
      // fewer clients came than the rule needs: that is a round without an aggregate
      if (error instanceof AnabranchError && error.code.startsWith("aggregation/")) return error.failure;
      throw error;
    } finally {
      await this.#arena.clear();
    }
  }

  result(make: (length: number) => Vector): Record<string, Vector> {
    const { aggregate } = this.#result!;
    const out = Object.fromEntries(
      this.#vectors.map(({ name, begin, end }) => {
        const vector = make(end - begin);
        vector.set(aggregate.subarray(begin, end));
        return [name, vector];
      }),
    );
    this.#measured = this.#meters.of(out);
    return out;
  }

  traffic({ bytesDown, bytesUp, largestMessage }: Traffic): Traffic {
    return { bytesDown, bytesUp, largestMessage };
  }

  get measured(): CohortMeasurements {
    return this.#measured;
  }

  /** Centred clipping: what the next round begins from. */
  get memory(): Vector | undefined {
    return this.#parts.rule.name === "centred-clipping" ? this.#result?.aggregate : undefined;
  }

  get report(): RuleReport | undefined {
    const { rule } = this.#parts;
    if (this.#result === undefined) return undefined;
    const { dropped, selected, trust } = this.#result;
    const named = (places: readonly number[]) => places.map((place) => this.#clients[place]!);
    const kept = this.#clients.filter((_, place) => !dropped.includes(place));
    // after bucketing the chosen ones are groups of clients
    const isBucketed = rule.before?.some(({ name }) => name === "bucketing") ?? false;
    return {
      rule: rule.name,
      dropped: named(dropped),
      ...(selected === undefined || isBucketed ? {} : { selected: named(selected) }),
      ...(trust === undefined || isBucketed
        ? {}
        : { trust: trust.map((value, k): [number, number] => [kept[k]!, value]) }),
    };
  }

  /** The rule with the order of this round's buckets. */
  #ruleOf(count: number): RobustRule {
    const { rule, key } = this.#parts;
    const before = rule.before?.map((stage): BeforeStage => {
      if (stage.name !== "bucketing") return stage;
      return { ...stage, permutation: [...permutation(randomStream(deriveKey(key, this.#round)), count)] };
    });
    return before === undefined ? rule : { ...rule, before };
  }

  #joinInto(target: Vector, { vectors }: Update): Vector {
    for (const { name, begin } of this.#vectors) target.set(vectors[name]!, begin);
    return target;
  }
}

/**
 * Whether updates count by their weights: the rule can weigh, no stage makes updates of several, and the method itself would
 * weigh all that its clients send.
 */
export function weighs({ before = [], ...rule }: RobustRule, { upload }: Pick<Payloads, "upload">): boolean {
  const isMixed = before.some(({ name }) => name === "nnm" || name === "bucketing");
  return isWeighted(rule) && !isMixed && Object.values(upload).every((sent) => sent.aggregation === "weightedMean");
}
