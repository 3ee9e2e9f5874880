import { fedrolex, heterofl } from "../../algorithms/methods.ts";
import type { AlgorithmUnderTest } from "../algorithm.ts";

const quick = { rounds: 60, learningRate: 0.1, within: 1e-6 };

/** Methods whose clients have models of their own sizes: 3, 2, 1 and 3 of the 3 coordinates of the quadratics. */
export const subModelBattery: Readonly<Record<string, AlgorithmUnderTest>> = {
  heterofl: {
    create: heterofl,
    neutral: () => heterofl({ widths: [1] }),
    wire: { down: 0.75, up: 0.75 },
    converges: quick,
  },
  fedrolex: {
    create: fedrolex,
    neutral: () => fedrolex({ widths: [1] }),
    wire: { down: 0.75, up: 0.75 },
    converges: quick,
  },
};
