import { type RunEvent, type RunEventBody, stampEvent } from "@anabranch/core";

/** Events as tests need them: a short run with an evaluation in every second round. */
export function exampleEvents(options: {
  readonly rounds: number;
  readonly run?: string;
  readonly name?: string;
  readonly resumedFrom?: number;
  /** Leaves out the end of the run. */
  readonly cutOff?: boolean;
}): RunEvent[] {
  const { rounds, run = "abc234", name = "example", resumedFrom, cutOff = false } = options;
  const executor = { name: "interpreter", version: "0", fingerprint: "0" };
  const started: RunEventBody = {
    ...{ type: "run.started", run, name, algorithm: "fedavg", model: "mlp", dataset: "fashion-mnist-10k", executor },
    ...{ parameters: 10, clients: 100, cohort: 2, rounds, workers: 1, seed: 7 },
    ...(resumedFrom !== undefined && { resumedFrom }),
  };
  const bodies: RunEventBody[] = [started];
  for (let round = (resumedFrom ?? 0) + 1; round <= rounds; round++) bodies.push(...roundEvents(round));
  if (!cutOff) {
    bodies.push({
      ...{ type: "run.finished", rounds, seconds: rounds * 0.5, loss: 1 / rounds, accuracy: accuracyAt(rounds) },
      ...{ bestRound: rounds, bestAccuracy: accuracyAt(rounds), bytesDown: 100 * rounds, bytesUp: 10 * rounds },
      modelHash: "0",
    });
  }
  return bodies.map((body, i) => stampEvent(body, Date.UTC(2026, 0, 1) + 1000 * i));
}

function roundEvents(round: number): RunEventBody[] {
  const loss = 1 / round;
  const bodies: RunEventBody[] = [
    { type: "round.started", round, cohort: [round, round + 1], learningRate: 0.05 },
    {
      ...{ type: "round.finished", round, loss, clients: 2, examples: 40, bytesDown: 100, bytesUp: 10, seconds: 0.5 },
      ...{ trainSeconds: 0.4, aggregateSeconds: 0.1, clientsPerSecond: 4, clientLossMin: loss, clientLossMax: loss },
      updateNorm: 1,
    },
  ];
  if (round % 2 === 0) {
    const accuracy = accuracyAt(round);
    bodies.push({ type: "evaluation", round, split: "test", loss, accuracy, examples: 10, seconds: 0.1 });
  }
  bodies.push({ type: "checkpoint.saved", round, file: `round-${round}`, bytes: 1 });
  return bodies;
}

function accuracyAt(round: number): number {
  return 1 - 1 / (round + 1);
}
