import { AnabranchError, type Failure } from "@anabranch/engine";
import { type AttackedRound, type CraftedRound, craftUpdates } from "../adversary/craft.ts";
import type { MimicMemory } from "../adversary/mimic.ts";
import type { Attack } from "../adversary/options.ts";
import { aggregate, type RobustRule, type RuleInputs } from "../aggregation/robust/index.ts";
import type { Payloads } from "../algorithms/algorithm.ts";
import { norm2, type Vector } from "../params/vector.ts";
import type { Update } from "../protocol/message.ts";
import { deriveKey, type RandomKey } from "../random/index.ts";
import type { Aggregator, AttackReport, Traffic } from "./aggregator.ts";
import { CohortMetrics } from "./cohort-metrics.ts";
import { withinPlaces } from "./plausible.ts";
import { weighs } from "./set-aggregator.ts";

/** An attack on the updates of a run, as plain data. */
export interface UpdateAttack {
  readonly attack: Attack;
  readonly clients: readonly number[];
  /** z of ALIE that follows from the numbers of clients. */
  readonly alieFactor: number;
}

export interface AttackedParts extends UpdateAttack {
  readonly payloads: Payloads;
  /** The rule of the server; absent: the mean. */
  readonly rule: RobustRule | undefined;
  /** Bound on the norm of updates, which the server checks and attackers therefore keep; 0: none. */
  readonly clipNorm: number;
  /** Of the randomness of the attack, by round. */
  readonly key: RandomKey;
}

/**
 * An aggregator with an adversary before it. It keeps a cohort's updates until all are there, puts what the attackers craft
 * in place of theirs, and hands all over in the order in which they came. The vectors of an update are joined, in the order
 * of their names. Attackers know what the server knows: the honest updates as they are aggregated, and its rule.
 */
export class AttackedAggregator implements Aggregator {
  readonly metrics = new CohortMetrics();
  readonly #inner: Aggregator;
  readonly #parts: AttackedParts;
  readonly #names: readonly string[];
  #round = 0;
  #updates: { readonly update: Update; readonly factor: number }[] = [];
  #memory: Vector | undefined;
  #root: Vector | undefined;
  #report: AttackReport | undefined;

  constructor(inner: Aggregator, parts: AttackedParts) {
    this.#inner = inner;
    this.#parts = parts;
    this.#names = Object.keys(parts.payloads.upload).sort();
  }

  begin(round: number, cohort: readonly number[]): void {
    this.metrics.reset();
    this.#inner.begin(round, cohort);
    this.#round = round;
    this.#updates = [];
    this.#root = undefined;
    this.#report = undefined;
  }

  /** Copies the updates: their memory is used again once they are folded. */
  addAll(updates: readonly Update[], factors?: readonly number[]): void {
    for (const [k, update] of updates.entries()) {
      const factor = factors?.[k] ?? 1;
      this.metrics.add(update.public, factor);
      const vectors = Object.fromEntries(this.#names.map((name) => [name, update.vectors[name]!.slice()]));
      this.#updates.push({ update: { ...update, vectors }, factor });
    }
  }

  addRoot(update: Update): void {
    this.#root = this.#joined(update);
    this.#inner.addRoot?.(update);
  }

  /** What the attackers took along from the last round, see `attackMemory`. */
  recall(memory: Vector | undefined): void {
    this.#memory = memory;
  }

  async finish(previous?: Vector): Promise<Failure | undefined> {
    const crafted = this.#craft(previous);
    const sent = this.#updates.map(({ update }) => {
      const vector = crafted.updates.get(update.client);
      return vector === undefined ? update : { ...update, vectors: this.#divided(vector, update) };
    });
    const factors = this.#updates.map(({ factor }) => factor);
    this.#updates = [];
    this.#inner.addAll(sent, factors.every((factor) => factor === 1) ? undefined : factors);
    await this.#inner.settle?.();
    return this.#inner.finish(previous);
  }

  result(make: (length: number) => Vector): Record<string, Vector> {
    return this.#inner.result(make);
  }

  traffic(carried: Traffic): Traffic {
    return this.#inner.traffic(carried);
  }

  get measured() {
    return this.#inner.measured;
  }

  get cost() {
    return this.#inner.cost;
  }

  get memory() {
    return this.#inner.memory;
  }

  get report() {
    return this.#inner.report;
  }

  get clients() {
    return this.#inner.clients;
  }

  get weights() {
    return this.#inner.weights;
  }

  get losses() {
    return this.#inner.losses;
  }

  /** What the attackers did in this round; undefined where none was in it. */
  get attackReport(): AttackReport | undefined {
    return this.#report;
  }

  /** What the attackers take along to the next round, float64. */
  get attackMemory(): Vector | undefined {
    return this.#memory;
  }

  #craft(previous: Vector | undefined): CraftedRound {
    const memory = this.#memory;
    const { attack, clients, alieFactor, rule = { name: "mean" }, key, payloads } = this.#parts;
    const attackers = new Set(clients);
    const honest = new Map<number, Vector>();
    const own = new Map<number, Vector>();
    const weights = new Map<number, number>();
    for (const { update } of this.#updates) {
      (attackers.has(update.client) ? own : honest).set(update.client, this.#joined(update));
      weights.set(update.client, update.public.weight);
    }
    // in the order in which attackers try them: the honest ones first
    const tries = [...honest.keys(), ...own.keys()].map((client) => weights.get(client)!);
    const known = weighs(rule, payloads) ? { weights: tries } : {};
    const round: AttackedRound = {
      ...{ honest, own, alieFactor },
      key: deriveKey(key, this.#round),
      memory: memory && unpacked(memory),
      rule: (updates) => tried(rule, updates, { ...known, previous, root: this.#root }),
    };
    const { clipNorm } = this.#parts;
    const { updates: wanted, ...crafted } = craftUpdates(attack, round);
    const updates = new Map([...wanted].map(([client, vector]) => [client, within(vector, clipNorm)]));
    const { factor, target } = crafted;
    this.#memory = crafted.memory === undefined ? memory : packed(crafted.memory);
    if (updates.size > 0) {
      const chosen = { ...(factor === undefined ? {} : { factor }), ...(target === undefined ? {} : { target }) };
      this.#report = { clients: [...updates.keys()], ...chosen };
    }
    return { ...crafted, updates };
  }

  #joined({ vectors }: Update): Float64Array {
    const joined = new Float64Array(this.#names.reduce((size, name) => size + vectors[name]!.length, 0));
    let begin = 0;
    for (const name of this.#names) {
      joined.set(vectors[name]!, begin);
      begin += vectors[name]!.length;
    }
    return joined;
  }

  #divided(joined: Vector, { vectors }: Update): Readonly<Record<string, Vector>> {
    let begin = 0;
    return Object.fromEntries(
      this.#names.map((name) => {
        const own = vectors[name]!.slice();
        own.set(joined.subarray(begin, begin + own.length));
        begin += own.length;
        const { places, layout } = this.#parts.payloads.upload[name]!;
        return [name, places === true ? withinPlaces(layout, own) : own];
      }),
    );
  }
}

/** A vector scaled to a norm that the server accepts. */
function within(vector: Vector, clipNorm: number): Vector {
  const norm = norm2(vector);
  return clipNorm === 0 || !(norm > clipNorm)
    ? vector
    : Float64Array.from(vector, (value) => (value * clipNorm) / norm);
}

/** What the server's rule would return; undefined where it refuses the updates. */
function tried(rule: RobustRule, updates: readonly Vector[], inputs: RuleInputs): Vector | undefined {
  try {
    return aggregate(rule, updates, inputs).aggregate;
  } catch (error) {
    if (error instanceof AnabranchError && error.code.startsWith("aggregation/")) return undefined;
    throw error;
  }
}

/** The memory of mimic as one vector of a checkpoint: rounds, mean [d], direction [d]. */
function packed({ rounds, mean, direction }: MimicMemory): Float64Array {
  return Float64Array.from([rounds, ...mean, ...direction]);
}

function unpacked(memory: Vector): MimicMemory {
  const values = Float64Array.from(memory);
  const size = (values.length - 1) / 2;
  return { rounds: values[0]!, mean: values.slice(1, 1 + size), direction: values.slice(1 + size) };
}
