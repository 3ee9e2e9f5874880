import { describe, expect, it } from "vitest";
import { traceQuadratics } from "../simulation/trace-quadratics.ts";

/**
 * Global parameters after each of four rounds on four quadratics, to ten digits, computed by an independent
 * implementation of each method. Exact gradients, x0 = 0, eta = 0.1, K = 3, no decay, no clip.
 */
const problem = {
  a: [
    [1, 2, 1],
    [3, 1, 2],
    [0.5, 4, 1],
    [2, 2, 3],
  ],
  b: [
    [1, -1, 0.5],
    [-1, 2, 1],
    [2, 0, -1],
    [0, 1, 2],
  ],
  x0: [0, 0, 0],
  learningRate: 0.1,
  localSteps: 3,
  cohorts: [
    [0, 1],
    [1, 2],
    [2, 3],
    [0, 3],
  ],
};

const golden: { algorithm: { name: string; [option: string]: unknown }; rounds: number[][] }[] = [
  {
    algorithm: { name: "fedavg" },
    rounds: [
      [-0.193, 0.027, 0.31175],
      [-0.3017111875, 0.2837575, 0.301940875],
      [-0.0639528787, 0.34728773, 0.683340309],
      [0.0958172388, 0.1778113178, 1.0910204056],
    ],
  },
  {
    algorithm: { name: "fedavgm", beta: 0.9 },
    rounds: [
      [-0.193, 0.027, 0.31175],
      [-0.4754111875, 0.3080575, 0.582515875],
      [-0.4370531662, 0.60908468, 1.0774177965],
      [-0.1011692704, 0.5827758182, 1.7476576683],
    ],
  },
  {
    algorithm: { name: "fedprox", proximalStrength: 0.5 },
    rounds: [
      [-0.18225, 0.026, 0.2955625],
      [-0.2886205938, 0.27027275, 0.2918219453],
      [-0.0668230362, 0.3388861227, 0.6566912003],
      [0.0858499039, 0.1821512909, 1.0541379178],
    ],
  },
  {
    algorithm: { name: "scaffold" },
    rounds: [
      [-0.193, 0.027, 0.31175],
      [-0.1430063958, 0.0494616667, 0.23728025],
      [-0.1267558244, 0.2836336711, 0.849288753],
      [-0.0987042216, 0.2589433713, 0.9665938829],
    ],
  },
];

describe("golden traces", () => {
  for (const { algorithm, rounds } of golden) {
    it(`${algorithm.name} follows its trace to 1e-9`, async () => {
      const traced = await traceQuadratics({ ...problem, algorithm });
      expect(traced.rounds.length).toBe(4);
      traced.rounds.forEach((parameters, round) => {
        parameters.forEach((x, j) => {
          expect(Math.abs(x - rounds[round]![j]!)).toBeLessThan(1e-9);
        });
      });
    });
  }
});
