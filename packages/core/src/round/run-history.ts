import type { LenientEvent, LenientEventOf } from "./lenient-events.ts";

/** What the events of a run amount to; rounds and evaluations ascend by round and hold each round once. */
export interface RunHistory {
  readonly start: LenientEventOf<"run.started"> | undefined;
  readonly rounds: readonly LenientEventOf<"round.finished">[];
  readonly evaluations: readonly LenientEventOf<"evaluation">[];
  readonly clientEvaluations: readonly LenientEventOf<"client.evaluation">[];
  /** Of runs without a server. */
  readonly nodeEvaluations: readonly LenientEventOf<"node.evaluation">[];
  readonly diagnostics: readonly LenientEventOf<"diagnostics">[];
  readonly failures: readonly LenientEventOf<"client.failed">[];
  /** What the operator was warned of since the run was started or resumed. */
  readonly warnings: readonly LenientEventOf<"run.warning">[];
  /** Why the run ended early; undefined once it was resumed. */
  readonly stopped: LenientEventOf<"run.stopped"> | undefined;
  readonly finished: LenientEventOf<"run.finished"> | undefined;
}

/**
 * Folds events into a history as they come. A resumed run repeats the rounds after its checkpoint: what was recorded
 * after that round is dropped, and of a round recorded twice the last one counts.
 *
 * @example
 * ```ts
 * import { RunHistoryFold } from "@anabranch/core";
 * const fold = new RunHistoryFold();
 * const at = "2026-01-01T00:00:00.000Z";
 * const test = { loss: 1.5, accuracy: 0.5, examples: 100, seconds: 1 };
 * fold.add({ type: "evaluation", at, round: 2, split: "test", ...test });
 * fold.history.evaluations.map(({ accuracy }) => accuracy); // => [0.5]
 * ```
 */
export class RunHistoryFold {
  readonly #rounds = new Map<number, LenientEventOf<"round.finished">>();
  readonly #evaluations = new Map<number, LenientEventOf<"evaluation">>();
  readonly #clientEvaluations = new Map<number, LenientEventOf<"client.evaluation">>();
  readonly #nodeEvaluations = new Map<number, LenientEventOf<"node.evaluation">>();
  readonly #diagnostics = new Map<number, LenientEventOf<"diagnostics">>();
  #failures: LenientEventOf<"client.failed">[] = [];
  #warnings: LenientEventOf<"run.warning">[] = [];
  #start: RunHistory["start"];
  #stopped: RunHistory["stopped"];
  #finished: RunHistory["finished"];

  add(event: LenientEvent): void {
    switch (event.type) {
      case "run.started":
        this.#begin(event);
        break;
      case "round.finished":
        this.#rounds.set(event.round, event);
        break;
      case "evaluation":
        if (event.split === "test") this.#evaluations.set(event.round, event);
        break;
      case "client.evaluation":
        this.#clientEvaluations.set(event.round, event);
        break;
      case "node.evaluation":
        this.#nodeEvaluations.set(event.round, event);
        break;
      case "diagnostics":
        this.#diagnostics.set(event.round, event);
        break;
      case "client.failed":
        this.#failures.push(event);
        break;
      case "run.warning":
        this.#warnings.push(event);
        break;
      case "run.stopped":
        this.#stopped = event;
        break;
      case "run.finished":
        this.#finished = event;
    }
  }

  /** What the events so far amount to. It does not change with later ones. */
  get history(): RunHistory {
    return {
      start: this.#start,
      rounds: byRound(this.#rounds),
      evaluations: byRound(this.#evaluations),
      clientEvaluations: byRound(this.#clientEvaluations),
      nodeEvaluations: byRound(this.#nodeEvaluations),
      diagnostics: byRound(this.#diagnostics),
      failures: [...this.#failures],
      warnings: [...this.#warnings],
      stopped: this.#stopped,
      finished: this.#finished,
    };
  }

  #begin(event: LenientEventOf<"run.started">): void {
    const last = event.resumedFrom ?? 0;
    const onClients = [this.#clientEvaluations, this.#nodeEvaluations];
    for (const map of [this.#rounds, this.#evaluations, ...onClients, this.#diagnostics]) dropAfter(map, last);
    this.#failures = this.#failures.filter((failure) => failure.round <= last);
    this.#warnings = [];
    this.#start = event;
    this.#stopped = undefined;
    this.#finished = undefined;
  }
}

/**
 * The history of a whole log.
 *
 * @example
 * ```ts
 * import { foldEvents } from "@anabranch/core";
 * foldEvents([]).rounds; // => []
 * ```
 */
export function foldEvents(events: Iterable<LenientEvent>): RunHistory {
  const fold = new RunHistoryFold();
  for (const event of events) fold.add(event);
  return fold.history;
}

function dropAfter(map: Map<number, unknown>, last: number): void {
  for (const round of [...map.keys()]) if (round > last) map.delete(round);
}

/**
 * The values of a map from rounds, ascending.
 *
 * @example
 * ```ts
 * import { byRound } from "@anabranch/core";
 * byRound(new Map([[2, "b"], [1, "a"]])); // => ["a", "b"]
 * ```
 */
export function byRound<T>(map: ReadonlyMap<number, T>): T[] {
  return [...map.entries()].sort(([a], [b]) => a - b).map(([, value]) => value);
}
