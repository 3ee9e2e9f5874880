import { fedkseed } from "../../algorithms/fedkseed.ts";
import { ferret } from "../../algorithms/ferret.ts";
import { onebyte } from "../../algorithms/onebyte.ts";
import type { AlgorithmUnderTest } from "../algorithm.ts";
import { HETEROGENEOUS } from "../heterogeneous.ts";

/** Clients send numbers along seeded directions: of 3 local steps, in floats of 8 bytes and units of d = 3. */
export const zerothOrderBattery: Readonly<Record<string, AlgorithmUnderTest>> = {
  // coefficients down; for each step 2 bytes and a float up
  fedkseed: {
    create: () => fedkseed({ seeds: 32 }),
    wire: { down: 32 / 3, up: HETEROGENEOUS.localSteps * (10 / 8 / 3) },
    converges: { rounds: 60, learningRate: 0.05, within: 1e-6 },
  },
  onebyte: {
    create: onebyte,
    wire: { down: 1 / 3, up: HETEROGENEOUS.localSteps / 8 / 3 },
    converges: { rounds: 200, learningRate: 0.05, within: 1e-3 },
  },
  // a block of three: a byte of bitmap and two coordinates
  ferret: {
    create: () => ferret({ coordinates: 2 }),
    wire: { down: 1 / 3, up: (2 + 1 / 8) / 3 },
    converges: { rounds: 200, learningRate: 0.1, within: 1e-3 },
  },
};
