import { AnabranchError, type Failure, largest } from "@anabranch/engine";
import { NOTHING_MEASURED } from "../metrics/cohort-meters.ts";
import type { Vector } from "../params/vector.ts";
import type { SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import {
  cutShare,
  INTEGERS,
  integerCount,
  integerRange,
  type SecureAggregationSettings,
  sumsOfMetrics,
} from "../privacy/secure-aggregation-encoding/index.ts";
import type { Update } from "../protocol/message.ts";
import type { Aggregator, SecureCost, Traffic } from "./aggregator.ts";
import { CohortMetrics } from "./cohort-metrics.ts";

/**
 * Waits until a cohort's updates are in, then has their integers added by a protocol that shows the server the sum alone.
 * In a simulation the updates bring their integers, which takes 4 bytes per value and client. Live clients keep them.
 */
export class SecureAggregator implements Aggregator {
  readonly metrics = new CohortMetrics();
  /** A sum of integers tells nothing of single vectors. */
  readonly measured = NOTHING_MEASURED;
  readonly #settings: SecureAggregationSettings;
  readonly #protocol: SecureAggregationProtocol;
  /** Clients whose update has arrived, with its integers if it brought any. */
  readonly #arrived = new Map<number, Uint32Array | undefined>();
  #round = 0;
  #cohort: readonly number[] = [];
  #cost: SecureCost | undefined;
  #sum: Uint32Array = new Uint32Array();

  constructor(settings: SecureAggregationSettings, protocol: SecureAggregationProtocol) {
    this.#settings = settings;
    this.#protocol = protocol;
  }

  begin(round: number, cohort: readonly number[]): void {
    this.metrics.reset();
    this.#arrived.clear();
    this.#round = round;
    this.#cohort = [...cohort].sort((a, b) => a - b);
    this.#cost = undefined;
  }

  addAll(updates: readonly Update[]): void {
    for (const { client, vectors, public: metadata } of updates) {
      const integers = vectors[INTEGERS];
      this.#arrived.set(client, integers && new Uint32Array(integers));
      // a simulation of noised sums shows its operator more than a live server sees
      const isShown = this.#settings.encoding.kind === "noised" && this.#settings.integers === "uploaded";
      if (isShown) this.metrics.add(metadata);
      else this.metrics.addWithheld();
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
    const metrics = sumsOfMetrics(this.#settings, outcome.sum, survivors);
    if (metrics !== undefined) this.metrics.setSums(metrics, survivors);
    return survivors < fewest ? tooFew(survivors, fewest) : undefined;
  }

  /** The sum modulo m, as float64, which holds its integers exactly. */
  result(): Record<string, Vector> {
    return { [INTEGERS]: Float64Array.from(this.#sum) };
  }

  /** The messages of the protocol stand in the place of updates. */
  traffic({ bytesDown, largestMessage }: Traffic): Traffic {
    const stages = this.#cost?.stages ?? [];
    const total = (side: "up" | "down") =>
      stages.reduce((sum, stage) => sum + stage[side].reduce((a, b) => a + b, 0), 0);
    const messages = stages.flatMap(({ up, down }) => [...up, ...down]);
    return {
      bytesDown: bytesDown + total("down"),
      bytesUp: total("up"),
      largestMessage: largest(messages, largestMessage),
    };
  }

  get cost(): SecureCost | undefined {
    return this.#cost;
  }

  /** A cohort that the protocol refuses ends its round, not the run: the next one may be larger. */
  async #ask() {
    const { fewest } = this.#settings;
    const arrived = [...this.#arrived].sort(([a], [b]) => a - b);
    try {
      return await this.#protocol.sum({
        round: this.#round,
        cohort: this.#cohort,
        present: arrived.map(([client]) => client),
        length: integerCount(this.#settings),
        inputs: arrived.flatMap(([client, values]) => (values === undefined ? [] : [{ client, values }])),
        ...integerRange(this.#settings),
        smallestSum: fewest,
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
