import {
  ditto,
  fedbn,
  fedcac,
  fedd2s,
  feddat,
  fedgh,
  fedloge,
  fedmd,
  fedper,
  fedpub,
  fedrep,
  fot,
  fraug,
  ggeur,
  hyperfl,
  knfu,
  lgFedavg,
  partialfed,
  perfedavg,
  pfedlora,
  pfedme,
  rffl,
  sfprompt,
} from "../../algorithms/methods.ts";
import type { AlgorithmUnderTest } from "../algorithm.ts";
import { CLASSIFIED } from "./classified.ts";

/** Where adapters begin that are no zeros. */
const ADAPTED = Array.from({ length: 2 * 10 + 21 }, (_, k) => 0.6 * Math.sin(1 + 1.37 * k));

/** Where four hidden layers and a head begin: 9 values of the first, 12 of each other. */
const LAYERED = Array.from({ length: 9 + 4 * 12 }, (_, k) => 0.9 * Math.sin(1 + 1.37 * k));

const quick = { rounds: 60, learningRate: 0.1, within: 1e-6 };

/** Personal methods. Quadratics have no head, so those of personal parameters are FedAvg there. */
export const personalBattery: Readonly<Record<string, AlgorithmUnderTest>> = {
  // clients that were not in a round keep their start, so it is FedAvg only where all are in every round
  fedcac: { create: fedcac, wire: { down: 1, up: 1 }, converges: quick },
  // quadratics have one output for each of three random inputs
  fedpub: {
    create: () => fedpub({ temperature: 0, probes: 3, maskSparsity: 0 }),
    wire: { down: 1, up: 2 },
    converges: quick,
  },
  // their own updates count twice
  rffl: { create: rffl, wire: { down: 1, up: 1 }, converges: quick },
  fedbn: { create: fedbn, neutral: fedbn, wire: { down: 1, up: 1 }, converges: quick },
  fedper: { create: fedper, neutral: fedper, wire: { down: 1, up: 1 }, converges: quick },
  fedrep: { create: fedrep, neutral: fedrep, wire: { down: 1, up: 1 }, converges: quick },
  // it is FedAvg where there is one task
  fot: { create: fot, neutral: fot, wire: { down: 1, up: 1 }, converges: quick },
  "lg-fedavg": { create: lgFedavg, neutral: lgFedavg, wire: { down: 1, up: 1 }, converges: quick },
  partialfed: {
    create: () => partialfed({ keeps: [["x"], []] }),
    neutral: () => partialfed({ keeps: [[]] }),
    wire: { down: 1, up: 1 },
    converges: { ...quick, rounds: 120 },
  },
  ditto: { create: ditto, neutral: ditto, wire: { down: 1, up: 1 }, converges: quick },
  pfedme: {
    create: () => pfedme({ proximalStrength: 2 }),
    wire: { down: 1, up: 1 },
    converges: { rounds: 300, learningRate: 0.1, within: 1e-4 },
  },
  // a coordinate is the head, and another one its fixed form, which goes down beside it
  fedloge: {
    create: fedloge,
    neutral: fedloge,
    form: { blocks: { coordinates: [[0, 1]] } },
    wire: { down: 1 + 1 / 3, up: 1 },
    converges: quick,
  },
  // counts and means of three classes of three features are as many numbers as the header
  fedgh: { create: fedgh, points: CLASSIFIED, wire: { down: 1, up: 1 } },
  // d = 21: beside the model the number of stages down; counts, soft labels and means of one stage are 3 + 9 + 9 up
  fedd2s: { create: fedd2s, points: CLASSIFIED, wire: { down: 22 / 21, up: 1 } },
  // d = 21: beside the model two numbers down, and the generator of (1 + 3) 3 + 3 x 3 weights and 12 of norms
  fraug: { create: fraug, points: CLASSIFIED, wire: { down: (21 + 33 + 2) / 21, up: (21 + 33) / 21 } },
  // d = 12: beside the header 27 numbers of its geometry and 12 of each client's own down, and 30 up in round 1
  ggeur: { create: ggeur, points: CLASSIFIED, wire: { down: 51 / 12, up: 30 / 12 } },
  // 2 units: 2 x 2 and 2 of the hidden layer, 3 x 2 and 3 of the map to the coordinates; the embedding of 2 stays
  hyperfl: {
    create: () => hyperfl({ embedding: 2, hidden: 2 }),
    form: { x0: [0.5, -1, 0.2, -0.1, 1, 0.4, -0.3, -0.6, 0.5, 1, -0.4, 0.3, 0.8, -0.7, 0.1, -0.2, 0.3] },
    wire: { down: 15 / 3, up: 15 / 3 },
  },
  // a second value of the head is the adapter
  pfedlora: {
    create: pfedlora,
    form: { blocks: { coordinates: [[0, 1]] }, x0: [0, 0, 0, 0] },
    wire: { down: 1 / 3, up: 1 / 3 },
  },
  // one unit after a hidden layer of three: 3 + 3 values, 1 + 3 biases; the local adapter and the head stay
  feddat: { create: feddat, points: { ...CLASSIFIED, bottleneck: 1, x0: ADAPTED }, wire: { down: 1, up: 1 } },
  // the last of four hidden layers of three units and the head, 2 (3 x 3 + 3): activations are no vectors of the round
  sfprompt: {
    create: () => sfprompt({ drop: 0.5 }),
    points: { ...CLASSIFIED, layers: 4, x0: LAYERED },
    wire: { down: 1, up: 1 },
  },
  // four public examples, of one class; before the first round nothing is fused
  knfu: { create: knfu, form: { x0: [0.5, -0.5, 1] }, wire: { down: 1, up: 4 / 3 } },
  fedmd: { create: fedmd, form: { x0: [0.5, -0.5, 1] }, wire: { down: 1, up: 4 / 3 } },
  perfedavg: {
    create: () => perfedavg({ form: "hf" }),
    neutral: () => perfedavg({ adaptationRate: 0 }),
    wire: { down: 1, up: 1 },
    converges: quick,
  },
};
