import { AnabranchError, type Failure } from "@anabranch/engine";
import type { Vector } from "../params/vector.ts";
import type { SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import {
  cutShare,
  INTEGERS,
  integerCount,
  integerRange,
  type SecureAggregationSettings,
} from "../privacy/secure-aggregation-encoding/index.ts";
import type { Update } from "../protocol/message.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import type { Aggregator, SecureCost, Traffic } from "./aggregator.ts";
import { CohortMetrics } from "./cohort-metrics.ts";

/**
 * Keeps a cohort's integers until all are there, then has them added by a protocol that shows the server their sum
 * alone. Clients that failed have advertised their keys and drop out before they send. Takes 4 bytes a value and client.
 */
export class SecureAggregator implements Aggregator {
  readonly metrics = new CohortMetrics();
  readonly drift = {};
  readonly #settings: SecureAggregationSettings;
  readonly #protocol: SecureAggregationProtocol;
  /** [16], of the run. */
  readonly #run: Uint8Array;
  readonly #values = new Map<number, Uint32Array>();
  #round = 0;
  #cohort: readonly number[] = [];
  #cost: SecureCost | undefined;
  #sum: Uint32Array = new Uint32Array();

  constructor(settings: SecureAggregationSettings, protocol: SecureAggregationProtocol, run: Uint8Array) {
    this.#settings = settings;
    this.#protocol = protocol;
    this.#run = run;
  }

  begin(round: number, cohort: readonly number[]): void {
    this.metrics.reset();
    this.#values.clear();
    this.#round = round;
    this.#cohort = [...cohort].sort((a, b) => a - b);
    this.#cost = undefined;
  }

  addAll(updates: readonly Update[]): void {
    for (const { client, vectors, public: metadata } of updates) {
      this.#values.set(client, new Uint32Array(vectors[INTEGERS]!));
      this.metrics.add(metadata);
    }
  }

  async finish(): Promise<Failure | undefined> {
    const { fewest, protocol } = this.#settings;
    const { clients } = this.metrics;
    if (clients < fewest) return tooFew(clients, fewest);
    const outcome = await this.#ask();
    if ("code" in outcome) return outcome;
    const survivors = "sum" in outcome ? outcome.survivors.length : 0;
    const cut = "sum" in outcome ? cutShare(this.#settings, outcome.sum, survivors) : undefined;
    this.#cost = { ...outcome.cost, protocol, survivors, cut };
    if ("failure" in outcome) return outcome.failure;
    this.#sum = outcome.sum;
    return survivors < fewest ? tooFew(survivors, fewest) : undefined;
  }

  /** The sum modulo m, as float64, which holds its integers exactly. */
  result(): Record<string, Vector> {
    return { [INTEGERS]: Float64Array.from(this.#sum) };
  }

  /** The messages of the protocol stand in the place of updates. */
  traffic({ bytesDown }: Traffic): Traffic {
    const stages = this.#cost?.stages ?? [];
    const total = (side: "up" | "down") =>
      stages.reduce((sum, stage) => sum + stage[side].reduce((a, b) => a + b, 0), 0);
    return { bytesDown: bytesDown + total("down"), bytesUp: total("up") };
  }

  get cost(): SecureCost | undefined {
    return this.#cost;
  }

  /** A cohort that the protocol refuses ends its round, not the run: the next one may be larger. */
  async #ask() {
    const { fewest } = this.#settings;
    const silent = new Uint32Array(integerCount(this.#settings));
    const inputs = this.#cohort.map((client) => ({ client, values: this.#values.get(client) ?? silent }));
    const missing = this.#cohort.filter((client) => !this.#values.has(client));
    try {
      return await this.#protocol.sum({
        run: this.#run,
        round: this.#round,
        inputs,
        ...integerRange(this.#settings),
        smallestSum: fewest,
        dropOuts: new Map(missing.map((client) => [client, "mask" as const])),
      });
    } catch (error) {
      if (error instanceof AnabranchError) return error.failure;
      throw error;
    }
  }
}

function tooFew(clients: number, fewest: number): Failure {
  return { code: "round/too-few", message: `${clients} clients finished, fewer than the ${fewest} that a sum needs` };
}

/** [16] What names a run in its messages. */
export function runBytes(seed: number): Uint8Array {
  const words = new Uint32Array(4);
  randomStream(deriveKey(rootKey(seed), "secure-run")).uint32s(words);
  return new Uint8Array(words.buffer);
}
