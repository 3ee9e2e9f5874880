import { flasc } from "../../algorithms/flasc.ts";
import { sketching } from "../../algorithms/sketching.ts";
import { streamingDiloco } from "../../algorithms/streaming-diloco.ts";
import type { AlgorithmUnderTest } from "../algorithm.ts";

const plain = { optimizer: "sgd", mixing: 0 } as const;

/** What methods that are made with compression must do without it. */
export const compressedBattery: Readonly<Record<string, AlgorithmUnderTest>> = {
  // two fragments in two rounds: the model moves in each round by one of them
  "streaming-diloco": {
    create: () => streamingDiloco({ ...plain, fragments: 2, period: 2 }),
    neutral: () => streamingDiloco({ ...plain, fragments: 1, period: 1, serverLearningRate: 1, serverMomentum: 0 }),
    form: { blocks: { coordinates: [[0], [1, 2]] } },
    wire: { down: 5 / 3, up: 2 / 3 },
    converges: { rounds: 400, learningRate: 0.05, within: 1e-3 },
  },
  flasc: {
    create: () => flasc({ serverLearningRate: 0.05 }),
    neutral: () => flasc({ serverOptimizer: "sgd", serverLearningRate: 1 }),
    wire: { down: 1, up: 1 },
    converges: { rounds: 600, learningRate: 0.1, within: 0.05 },
  },
  sketching: {
    create: () => sketching({ serverLearningRate: 1 }),
    neutral: () => sketching({ serverLearningRate: 1 }),
    wire: { down: 1, up: 1 },
    converges: { rounds: 60, learningRate: 0.1, within: 1e-6 },
  },
};
