import { contentHashOf } from "../live/content-hash.ts";
import type { ServerMessage } from "../live/control.ts";
import type { Ledger } from "../live/ports.ts";
import type { SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import { encodeUpdate } from "../protocol/index.ts";
import type { Backend, Outcome } from "../round/backend.ts";

/**
 * Watches a live run from outside of its processes, for what must be true whatever goes wrong:
 *
 * - an update that the ledger has accepted is folded, once, if its version of the model is trained to the end
 * - an order that has failed gets no update any more
 * - a client that hears of an acceptance can rely on it
 * - clients are sent one model of a version, but where each is sent what it lacks of it
 * - a round has one sum
 */
export class RunObserver {
  readonly violations: string[] = [];
  /** Whose updates were folded, by the version of the model, as it was trained last. */
  readonly folded = new Map<number, number[]>();
  /** Orders whose updates the ledger has accepted, in that order. */
  readonly accepted: string[] = [];
  /** Whose integers were in the sum of each round that has one, as it was trained last. */
  readonly survivors = new Map<number, readonly number[]>();
  /** Rounds of all sums that the server has seen, those included that it lost in a crash. */
  readonly unmasked: number[] = [];
  /** Orders that were folded, by version. */
  readonly #orders = new Map<number, Set<string>>();
  /** Order and broadcast of orders that ended without an update. */
  readonly #failed = new Set<string>();
  readonly #sent = new Map<number, string>();
  readonly #isRepeatable: boolean;

  /**
   * @param isRepeatable whether a round that is trained again gives the same model, as without secure aggregation, and all
   *   clients are sent the same
   */
  constructor(isRepeatable: boolean) {
    this.#isRepeatable = isRepeatable;
  }

  wrong(what: string): void {
    this.violations.push(what);
  }

  /** A message of the server to a client. */
  told(message: ServerMessage): void {
    if (message.type !== "task" || !this.#isRepeatable) return;
    const { version, blob } = message;
    const before = this.#sent.get(version) ?? blob;
    this.#sent.set(version, before);
    if (before !== blob) this.wrong(`two models of version ${version} were sent`);
  }

  /** A client has heard that its update was accepted. */
  async uploaded(client: number, id: string, ledger: Ledger): Promise<void> {
    const row = await ledger.order(id);
    // rows of old versions are forgotten
    if (row !== undefined && row.status !== "accepted") this.wrong(`client ${client} was promised order ${id}`);
  }

  /** A ledger that is watched; to be put below all faults, where an acceptance is known to have happened. */
  ledger(ledger: Ledger): Ledger {
    return new Proxy(ledger, {
      get: (target, name: keyof Ledger) => {
        if (name !== "acceptUpdate") return target[name].bind(target);
        return async (id: string, hash: string) => {
          const answer = await target.acceptUpdate(id, hash);
          if (answer === "accepted") this.accepted.push(id);
          const row = await target.order(id);
          if (answer === "accepted" && this.#failed.has(`${id} ${row?.broadcast}`))
            this.wrong(`order ${id} has failed, and an update was accepted for it`);
          return answer;
        };
      },
    });
  }

  /** A backend that is watched, with the ledger that its process uses. */
  backend(backend: Backend, ledger: Ledger): Backend {
    const taken = new Set<string>();
    return {
      name: backend.name,
      group: backend.group,
      publish: async (version, broadcast, change) => {
        await backend.publish(version, broadcast, change);
        this.folded.set(version, []);
        this.#orders.set(version, new Set());
        this.survivors.delete(version);
      },
      retire: (version) => backend.retire(version),
      submit: (order) => backend.submit(order),
      outcome: async (id) => {
        const outcome = await backend.outcome(id);
        if (taken.has(id)) this.wrong(`the outcome of order ${id} was taken twice`);
        taken.add(id);
        await this.#taken(id, outcome, ledger);
        return outcome;
      },
      release: (id) => backend.release(id),
      ...(backend.arrivals === undefined ? {} : { arrivals: backend.arrivals }),
      takeWarnings: () => backend.takeWarnings?.() ?? [],
    };
  }

  async #taken(id: string, outcome: Outcome, ledger: Ledger): Promise<void> {
    const row = await ledger.order(id);
    if ("failure" in outcome) {
      if (row?.status === "accepted") this.wrong(`the accepted update of order ${id} is lost: ${outcome.failure.code}`);
      this.#failed.add(`${id} ${row?.broadcast}`);
      return;
    }
    if (row?.status !== "accepted" || row.hash !== (await contentHashOf(encodeUpdate(outcome.update))))
      this.wrong(`another update than the accepted one is folded for order ${id}`);
    const version = row?.version ?? 0;
    const orders = this.#orders.get(version) ?? new Set();
    if (orders.has(id)) this.wrong(`order ${id} counts twice`);
    orders.add(id);
    this.folded.get(version)?.push(outcome.client);
  }

  /** A protocol whose sums are watched. */
  secureAggregation(protocol: SecureAggregationProtocol): SecureAggregationProtocol {
    return {
      ...protocol,
      sum: async (request) => {
        const outcome = await protocol.sum(request);
        const { round } = request;
        if (!("sum" in outcome)) return outcome;
        if (this.unmasked.includes(round)) this.wrong(`round ${round} was unmasked twice`);
        this.unmasked.push(round);
        this.survivors.set(round, outcome.survivors);
        return outcome;
      },
    };
  }
}
