/**
 * Where methods converge to when clients take part unequally often: five clients with losses (x - i)^2 / 2 for i = 0 to 4, that
 * take part with probability 0.9, 0.5, 0.2, 0.1 and 0.05, so that the optimum is 2. `node
 * experiments/asynchronous/participation-bias.ts` prints the mean model over the last rounds.
 */
import { createAlgorithm, deriveKey, randomStream, rootKey, traceFederation } from "@anabranch/core";

const RATES = [0.9, 0.5, 0.2, 0.1, 0.05];
const [ROUNDS, COUNTED] = [3000, 1500];

const cohorts = Array.from({ length: ROUNDS }, (_, round) => {
  const stream = randomStream(deriveKey(rootKey(1), "participation", round));
  return [...RATES.keys()].filter((client) => stream.float() < RATES[client]!);
});
const problem = {
  a: RATES.map(() => [1]),
  b: RATES.map((_, client) => [client]),
  x0: [0],
  learningRate: 0.01,
  localSteps: 1,
  cohorts,
};

const methods = [
  ["FedAvg, mean of participants", "fedavg", {}],
  ["FedAU", "fedau", {}],
  ["FedAU, cut-off 50", "fedau", { cutoff: 50 }],
  ["FedAU, cut-off 5", "fedau", { cutoff: 5 }],
] as const;
console.log("method                          mean model (optimum 2)");
for (const [name, method, options] of methods) {
  const { rounds } = await traceFederation(createAlgorithm(method, options), problem);
  const last = rounds.slice(-COUNTED).map(([x]) => x!);
  console.log(`${name.padEnd(32)}${(last.reduce((sum, x) => sum + x, 0) / COUNTED).toFixed(3)}`);
}
