import { once } from "node:events";
import { type BenchOptions, count, median } from "../lib/result.ts";
import { joinAs } from "./join.ts";
import type { Part } from "./part.ts";
import { type Usage, usageOf } from "./process-usage.ts";
import { serve } from "./serve.ts";

/** Rounds until memory has its usual size: caches are full, hot code is compiled. */
const warmUp = 100;

/** Memory over many rounds of `anabranch serve` and two `anabranch join` that train. `--rounds` (default 500). */
export async function soak(options: BenchOptions): Promise<Part> {
  const rounds = count(options, "rounds", 500);
  await using server = await serve({
    rounds,
    "data.dataset": "fashion-mnist-10k",
    "data.clients": 2,
    "model.name": "mlp",
    "algorithm.name": "scaffold",
    "training.localSteps": 2,
    "training.batchSize": 20,
    "sampler.cohort": 2,
    "evaluation.every": 50,
  });
  const clients = [0, 1].map((number) => joinAs(number, server));
  const ends = clients.map((client) => once(client, "exit"));
  const samples: Usage[] = [];
  server.onRound = () => samples.push(usageOf(clients[0]!.pid!));
  await server.ended;
  await Promise.all(ends);
  const sides = [
    { label: "server", memory: server.rounds.map(({ residentMb }) => residentMb) },
    { label: "client", memory: samples.map(({ residentMb }) => residentMb) },
  ];
  const part = (memory: readonly number[], from: number, to: number) => median(memory.slice(from, to));
  const middle = Math.round((warmUp + rounds) / 2);
  const table = sides.map(({ label, memory }) => ({
    label: `soak, ${label}`,
    values: {
      [`MB, rounds ${warmUp} to ${middle}`]: part(memory, warmUp, middle),
      [`${middle} to ${rounds}`]: part(memory, middle, memory.length),
      peak: Math.max(...memory),
    },
  }));
  const checks = sides.map(({ label, memory }) => {
    const growth = part(memory, middle, memory.length) / part(memory, warmUp, middle);
    return {
      name: `soak, ${label}: memory of the second half over the first`,
      value: growth,
      target: 1.05,
      better: "smaller",
    } as const;
  });
  return {
    rows: table,
    checks,
    notes: [`${rounds} rounds of SCAFFOLD, MLP; medians of resident memory after each round`],
  };
}
