import { asyncFedavg } from "../../algorithms/async-fedavg.ts";
import { fedasync } from "../../algorithms/fedasync.ts";
import { fedbuff } from "../../algorithms/fedbuff.ts";
import { fedcompass } from "../../algorithms/fedcompass.ts";
import { fedfix } from "../../algorithms/fedfix.ts";
import type { AlgorithmUnderTest } from "../algorithm.ts";

const wire = { down: 1, up: 1 };
const converges = { rounds: 60, learningRate: 0.1, within: 1e-6 };

/** What methods of asynchronous schedules must do in rounds of a cohort. */
export const asynchronousBattery: Readonly<Record<string, AlgorithmUnderTest>> = {
  // its clients send models, so only at mixing 1 and without the proximal term is it FedAvg, but for rounding
  fedasync: { create: fedasync, wire, converges },
  fedbuff: { create: fedbuff, neutral: fedbuff, wire, converges },
  // in rounds of a part of the clients their server adds shares of the population
  fedfix: { create: fedfix, wire, converges },
  "async-fedavg": { create: asyncFedavg, wire, converges },
  fedcompass: { create: fedcompass, wire, converges },
};
