import { bristle, dfedavg, dfedsam, modest, monna, scclip, singleMerging, vcgossip } from "../../algorithms/methods.ts";
import type { AlgorithmUnderTest } from "../algorithm.ts";

const quick = { rounds: 60, learningRate: 0.1, within: 1e-6 };

/** Decentralised methods. Without a topology, as here, they are the mean over the cohort. */
export const decentralisedBattery: Readonly<Record<string, AlgorithmUnderTest>> = {
  ...Object.fromEntries(
    [bristle, dfedavg, modest, scclip, singleMerging, vcgossip].map((create) => {
      const same = { create: () => create(), neutral: () => create() };
      return [create.definition.name, { ...same, wire: { down: 1, up: 1 }, converges: quick }];
    }),
  ),
  dfedsam: { create: dfedsam, wire: { down: 1, up: 1 }, converges: { ...quick, within: 0.06 } },
  monna: { create: monna, wire: { down: 1, up: 1 }, converges: { rounds: 400, learningRate: 0.1, within: 1e-4 } },
};
