import type { ConfigInput } from "../config/index.ts";
import type { ChaosRun } from "./chaos-seed.ts";
import { LIVE_METHODS, noisedRun, secureRun, smallRun } from "./small-live-run.ts";

/** What makes a name of a run, and what the run is. */
type Runs = Readonly<Record<string, () => Omit<ChaosRun, "name">>>;

const FEW_STEPS: ConfigInput = { rounds: 3, training: { batchSize: 4, localSteps: 2, learningRate: 0.1 } };
const SELDOM_SAVED: ConfigInput = { ...FEW_STEPS, rounds: 5, checkpoint: { every: 2 } };
const EVALUATED: ConfigInput = {
  ...FEW_STEPS,
  data: { clients: 4, holdout: 0.25, partition: { scheme: "iid" } },
  evaluation: { clientEvery: 1 },
};
const NOISED: ConfigInput = { ...FEW_STEPS, privacy: { mechanism: "gaussian", noiseMultiplier: 1, delta: 0.1 } };

const methods = Object.entries(LIVE_METHODS).flatMap(([name, algorithm]) => [
  [name, () => smallRun(algorithm, FEW_STEPS)] as const,
  [`${name}, with a checkpoint in two rounds`, () => smallRun(algorithm, SELDOM_SAVED)] as const,
]);

/** Runs whose server sees updates. */
export const PLAIN_RUNS: Runs = {
  ...Object.fromEntries(methods),
  "fedavg, evaluated by its clients": () => smallRun({ name: "fedavg" }, EVALUATED),
  "dp-fedavg, a private run": () => smallRun({ name: "dp-fedavg" }, NOISED),
};

/** Runs whose updates are folded as they come. */
export const ASYNCHRONOUS_RUNS: Runs = Object.fromEntries(
  ["fedbuff", "fedasync"].map((name) => [
    name,
    () => smallRun({ name }, { ...FEW_STEPS, rounds: 5, schedule: { buffer: 2, concurrency: 3 } }),
  ]),
);

/** Runs whose server sees sums. */
export const SECURE_RUNS: Runs = {
  bonawitz: () => secureRun("bonawitz"),
  "secagg+": () => secureRun("secagg+"),
  lightsecagg: () => secureRun("lightsecagg"),
  "bonawitz, with a cohort of three": () => secureRun("bonawitz", { rounds: 3, sampler: { cohort: 3 } }),
  "bonawitz, with noise of the clients": () => noisedRun("bonawitz"),
  "lightsecagg, with noise of the clients": () => noisedRun("lightsecagg"),
};
