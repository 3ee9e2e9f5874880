import { type Config, memoryBlobStore, memoryClientStates, type RunEvent, runFederation } from "@anabranch/core";
import { openSimulation, type SimulationOptions } from "../run/simulation.ts";

/** What a run costs, in seconds. */
export interface Cost {
  /** Data, programs, workers: until the first round. */
  readonly start: number;
  readonly round: number;
  readonly evaluation: number;
  /** Of every client on what it holds back. */
  readonly clientEvaluation: number;
}

/** The first round also warms the workers up, so the second one is taken. */
const MEASURED_ROUNDS = 2;

/**
 * Measures what a configuration costs: two rounds and one evaluation, in memory. Nothing is written. The run keeps its
 * number of rounds and is interrupted: other keys count rounds too, and a last round can be unlike the others.
 */
export async function measureCost(config: Config, options: SimulationOptions): Promise<Cost> {
  const clock = new EventClock();
  const interruption = new AbortController();
  const simulation = await openSimulation(measured(config), "measurement", options);
  try {
    await runFederation(simulation.plan, {
      backend: simulation.backend,
      evaluator: simulation.evaluator,
      secureAggregation: simulation.secureAggregation,
      probe: simulation.probe,
      judge: simulation.judge,
      trainer: simulation.trainer,
      adapter: simulation.adapter,
      checkpoints: memoryBlobStore(),
      clientStates: memoryClientStates(),
      signal: interruption.signal,
      emit: (event) => {
        clock.take(event);
        if (event.type === "round.finished" && event.round === MEASURED_ROUNDS) interruption.abort();
      },
    });
  } finally {
    await simulation.close();
  }
  return clock.cost;
}

/** The configuration with one evaluation, at the end of the measured rounds. */
function measured(config: Config): Config {
  const { evaluation, training } = config;
  const { curriculum } = training;
  const once = (every: number) => (every > 0 ? MEASURED_ROUNDS : 0);
  return {
    ...config,
    evaluation: { ...evaluation, every: once(evaluation.every), clientEvery: once(evaluation.clientEvery) },
    stop: { onClientFailure: "continue", patience: 0 }, // a value that diverges is no reason not to plan the others
    // the first rounds of a curriculum have few of the examples: a plan says too much rather than too little
    training: curriculum.order === "none" ? training : { ...training, curriculum: { ...curriculum, duration: 0 } },
  };
}

/** Seconds of a run of `rounds` rounds. */
export function projectSeconds(cost: Cost, { rounds, evaluation }: Config): number {
  const times = (every: number) => (every > 0 ? Math.ceil(rounds / every) : 0);
  return (
    cost.start +
    rounds * cost.round +
    times(evaluation.every) * cost.evaluation +
    times(evaluation.clientEvery) * cost.clientEvaluation
  );
}

/** Times between events. */
class EventClock {
  readonly #begin = performance.now();
  #last = this.#begin;
  #cost: Cost = { start: 0, round: 0, evaluation: 0, clientEvaluation: 0 };

  take(event: RunEvent): void {
    const seconds = (performance.now() - this.#last) / 1000;
    this.#last = performance.now();
    if (event.type === "run.started") this.#cost = { ...this.#cost, start: (this.#last - this.#begin) / 1000 };
    else if (event.type === "round.finished") this.#cost = { ...this.#cost, round: event.seconds };
    else if (event.type === "evaluation") this.#cost = { ...this.#cost, evaluation: event.seconds };
    else if (event.type === "client.evaluation") this.#cost = { ...this.#cost, clientEvaluation: seconds };
  }

  get cost(): Cost {
    return this.#cost;
  }
}
