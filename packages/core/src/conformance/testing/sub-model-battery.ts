import { autoflip, fedconv, fedrolex, heterofl, hidenseek } from "../../algorithms/methods.ts";
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
  // 3 and 2 coordinates; what its server trains moves the model away from the mean
  fedconv: {
    create: () => fedconv({ ratios: [1, 0.7], serverEpochs: 2, mapEpochs: 3, factorEpochs: 3 }),
    wire: { down: 2.5 / 3, up: 2.5 / 3 },
  },
  // round 1 sends movements, after it a kept coordinate moves by the velocity
  autoflip: {
    create: () => autoflip({ pruned: 0.3, serverMomentum: 0 }),
    neutral: () => autoflip({ pruned: 0, serverMomentum: 0 }),
    wire: { down: 1, up: 1 },
    converges: { ...quick, within: 0.2501 },
  },
  // with all weights kept down d and their places, up 9 bytes; sizes stay sqrt(2 / 3), and wrong signs of the large
  // coordinates would be 1.3 and 1.8 away
  hidenseek: {
    create: () => hidenseek({ keep: 1, scoreScale: 1 }),
    form: { shape: [3, 1] },
    wire: { down: 2, up: 3 / 8 },
    converges: { ...quick, within: 1.2 },
  },
};
