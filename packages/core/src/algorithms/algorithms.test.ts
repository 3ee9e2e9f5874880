import { readFile } from "node:fs/promises";
import { interpreter, onnxruntimeNode } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type AlgorithmUnderTest, algorithmCases } from "../conformance/algorithm.ts";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { batteries } from "../conformance/testing/batteries.ts";
import { layout } from "../params/layout.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics } from "../simulation/quadratics.ts";
import { traceQuadratics } from "../simulation/trace-quadratics.ts";
import type { Algorithm, ServerState } from "./algorithm.ts";
import { diff2 } from "./diff2.ts";
import { diff2BvrLSgd } from "./diff2-bvr-l-sgd.ts";
import { diloco } from "./diloco.ts";
import { dpFedavg } from "./dp-fedavg.ts";
import { dpFedavgm } from "./dp-fedavgm.ts";
import { dpFedlamb } from "./dp-fedlamb.ts";
import { dpFedpgn } from "./dp-fedpgn.ts";
import { dpFedsam } from "./dp-fedsam.ts";
import { fedadamw } from "./fedadamw.ts";
import { fedamd } from "./fedamd.ts";
import { fedau } from "./fedau.ts";
import { fedavg } from "./fedavg.ts";
import { fedavgm } from "./fedavgm.ts";
import { fedbcgd } from "./fedbcgd.ts";
import { fedbcgdPlus } from "./fedbcgd-plus.ts";
import { fedcm } from "./fedcm.ts";
import { fedlex } from "./fedlex.ts";
import { fedmuon } from "./fedmuon.ts";
import { fednsam } from "./fednsam.ts";
import { fedadagrad, fedadam, fedyogi } from "./fedopt.ts";
import { fedpac } from "./fedpac.ts";
import { fedprox } from "./fedprox.ts";
import { fedsam } from "./fedsam.ts";
import { fedspeed } from "./fedspeed.ts";
import { frl, local, rerce } from "./methods.ts";
import { mofedsam } from "./mofedsam.ts";
import { algorithms, createAlgorithm } from "./registry.ts";
import { scaffold } from "./scaffold.ts";

const quick = { rounds: 60, learningRate: 0.1, within: 1e-6 };
const battery: Record<string, AlgorithmUnderTest> = {
  ...batteries,
  fedavg: { create: fedavg, neutral: fedavg, wire: { down: 1, up: 1 }, converges: quick },
  fedavgm: {
    create: fedavgm,
    neutral: () => fedavgm({ serverMomentum: 0 }),
    wire: { down: 1, up: 1 },
    converges: { rounds: 300, learningRate: 0.02, within: 1e-4 },
  },
  fedprox: {
    create: fedprox,
    neutral: () => fedprox({ proximalStrength: 0 }),
    wire: { down: 1, up: 1 },
    converges: quick,
  },
  scaffold: { create: scaffold, wire: { down: 2, up: 2 }, converges: quick },
  fedcm: {
    create: fedcm,
    neutral: () => fedcm({ gradientShare: 1 }),
    wire: { down: 2, up: 1 },
    converges: { rounds: 300, learningRate: 0.1, within: 1e-4 },
  },
  // the perturbation has a fixed length, so the steps circle the minimum at a distance of about rho
  fedsam: {
    create: fedsam,
    neutral: () => fedsam({ perturbationRadius: 0 }),
    wire: { down: 1, up: 1 },
    converges: { ...quick, within: 0.06 },
  },
  mofedsam: {
    create: mofedsam,
    neutral: () => mofedsam({ perturbationRadius: 0, gradientShare: 1 }),
    wire: { down: 2, up: 1 },
    converges: { rounds: 300, learningRate: 0.1, within: 0.06 },
  },
  fedspeed: {
    create: fedspeed,
    wire: { down: 1, up: 1 },
    converges: { rounds: 200, learningRate: 0.1, within: 0.15 },
  },
  fednsam: {
    create: fednsam,
    neutral: () => fednsam({ serverMomentum: 0, perturbationRadius: 0 }),
    wire: { down: 2, up: 1 },
    converges: { rounds: 400, learningRate: 0.02, within: 1e-3 },
  },
  // two blocks of one coordinate each and a shared one: every client sends two of three
  fedbcgd: {
    create: fedbcgd,
    neutral: () => fedbcgd({ blocks: 1, serverMomentum: 0 }),
    form: { blocks: { coordinates: [[0], [1]] } },
    wire: { down: 1, up: 2 / 3 },
    converges: quick,
  },
  "fedbcgd+": {
    create: fedbcgdPlus,
    form: { blocks: { coordinates: [[0], [1]] } },
    wire: { down: 2, up: 4 / 3 },
    converges: { ...quick, rounds: 150 },
  },
  fedadagrad: {
    create: () => fedadagrad({ serverLearningRate: 0.3 }),
    wire: { down: 1, up: 1 },
    converges: { rounds: 300, learningRate: 0.1, within: 1e-3 },
  },
  fedadam: { create: fedadam, wire: { down: 1, up: 1 }, converges: { rounds: 400, learningRate: 0.1, within: 1e-2 } },
  fedyogi: { create: fedyogi, wire: { down: 1, up: 1 }, converges: { rounds: 400, learningRate: 0.1, within: 1e-2 } },
  local: {
    create: () => local({ optimizer: "adamw" }),
    neutral: () => local({ optimizer: "sgd" }),
    wire: { down: 1, up: 1 },
    // each step has the length of the learning rate, so the steps circle the minimum
    converges: { rounds: 200, learningRate: 0.01, within: 0.02 },
  },
  // a matrix of one row, whose momentum goes both ways, and the step count down: 3 d + 1 and 2 d with d = 3
  fedmuon: {
    create: fedmuon,
    form: { shape: [1, 3] },
    wire: { down: 3 + 1 / 3, up: 2 },
    // steps of a fixed length circle the minimum
    converges: { rounds: 300, learningRate: 0.003, within: 0.05 },
  },
  fedpac: {
    create: () => fedpac({ optimizer: "adamw" }),
    neutral: () => fedpac({ optimizer: "sgd", directionShare: 0 }),
    wire: { down: 3 + 1 / 3, up: 2 },
    converges: { rounds: 300, learningRate: 0.01, within: 0.02 },
  },
  // the round number goes down as one float more
  fedau: { create: fedau, wire: { down: 1 + 1 / 3, up: 1 }, converges: quick },
  fedamd: {
    create: fedamd,
    wire: { down: 2, up: 1 },
    converges: { rounds: 500, learningRate: 0.1, within: 1e-5 },
  },
  // the coordinate that moved least while exploring never trains: it stays 0.25 from its minimum
  frl: { create: frl, form: { shape: [3, 1] }, wire: { down: 1, up: 1 }, converges: { ...quick, within: 1.3 } },
  fedlex: { create: fedlex, wire: { down: 2, up: 1 }, converges: { rounds: 400, learningRate: 0.1, within: 0.2501 } },
  diloco: {
    create: diloco,
    neutral: () => diloco({ optimizer: "sgd", serverLearningRate: 1, serverMomentum: 0 }),
    wire: { down: 1, up: 1 },
    // each step has the length of the learning rate, so the steps circle the minimum
    converges: { rounds: 400, learningRate: 0.001, within: 0.06 },
  },
  rerce: { create: rerce, wire: { down: 1, up: 1 }, converges: { rounds: 200, learningRate: 0.1, within: 1e-6 } },
  "dp-fedavg": { create: dpFedavg, neutral: dpFedavg, wire: { down: 1, up: 1 }, converges: quick },
  "dp-fedavgm": {
    create: dpFedavgm,
    neutral: () => dpFedavgm({ serverMomentum: 0 }),
    wire: { down: 1, up: 1 },
    converges: { rounds: 300, learningRate: 0.02, within: 1e-4 },
  },
  "dp-fedsam": {
    create: dpFedsam,
    neutral: () => dpFedsam({ perturbationRadius: 0 }),
    wire: { down: 1, up: 1 },
    converges: { ...quick, within: 0.06 },
  },
  "dp-fedlamb": {
    create: () => dpFedlamb({ serverLearningRate: 0.02 }),
    wire: { down: 1, up: 1 },
    // each step has the length of the model times the learning rate, so the steps circle the minimum
    converges: { rounds: 400, learningRate: 0.1, within: 0.05 },
  },
  "dp-fedpgn": {
    create: dpFedpgn,
    neutral: () => dpFedpgn({ gradientShare: 1, perturbation: "none" }),
    wire: { down: 2, up: 1 },
    // gradients are taken a fixed distance beside the model
    converges: { rounds: 300, learningRate: 0.05, within: 0.15 },
  },
  diff2: {
    create: diff2,
    wire: { down: 2 + 1 / 3, up: 1 },
    converges: { rounds: 300, learningRate: 0.1, within: 1e-6 },
  },
  // the gradient and two flags beside both models: 3 d + 2 with d = 3
  "diff2-bvr-l-sgd": {
    create: diff2BvrLSgd,
    wire: { down: 3 + 2 / 3, up: 1 },
    converges: { rounds: 300, learningRate: 0.1, within: 1e-6 },
  },
  // one block, so one mean beside the model each way, and the step count down: 2 d + 2 and d + 1 with d = 3
  fedadamw: {
    create: fedadamw,
    wire: { down: 2 + 2 / 3, up: 1 + 1 / 3 },
    converges: { rounds: 300, learningRate: 0.01, within: 0.02 },
  },
};

const native = await onnxruntimeNode();

describe("diff2 for records", () => {
  const subject: AlgorithmUnderTest = {
    create: () => diff2({ protects: "records" }),
    // a flag and the clip norm beside both models: 2 d + 2 with d = 3
    wire: { down: 2 + 2 / 3, up: 1 },
    converges: { rounds: 300, learningRate: 0.1, within: 1e-6 },
  };
  for (const { name: requirement, run } of algorithmCases(subject, native)) it(requirement, run);
});

describe.each(algorithms.map((a) => a.name))("%s", (name) => {
  const subject = battery[name];
  if (subject === undefined) throw new Error(`${name} has not joined the battery`);
  for (const { name: requirement, run } of algorithmCases(subject, native)) it(requirement, run);
});

const problem = { ...HETEROGENEOUS, cohorts: [[0, 1, 2, 3]] };
/** Minimum of the mean of the F_i: sum_i a_ij b_ij / sum_i a_ij. */
const optimum = [0, 1, 2].map((j) => {
  const total = problem.a.reduce((s, row) => s + row[j]!, 0);
  return problem.a.reduce((s, row, i) => s + row[j]! * problem.b[i]![j]!, 0) / total;
});
const distance = (x: readonly number[]) => Math.hypot(...x.map((v, j) => v - optimum[j]!));

const scalar = layout([{ name: "x", shape: [1], role: "vector", block: "x" }]);

describe("fedavg", () => {
  it("with one step and everyone equals a gradient step on the mean loss", async () => {
    const { rounds } = await traceQuadratics({ ...problem, localSteps: 1, algorithm: { name: "fedavg" } });
    const expected = [0, 1, 2].map(
      (j) => 0.1 * (problem.a.reduce((s, row, i) => s + row[j]! * problem.b[i]![j]!, 0) / 4),
    );
    rounds[0]!.forEach((x, j) => {
      expect(x).toBeCloseTo(expected[j]!, 14);
    });
  });

  it("stops beside the optimum of unlike clients, SCAFFOLD reaches it", async () => {
    const cohorts = Array.from({ length: 400 }, () => [0, 1, 2, 3]);
    const biased = await traceQuadratics({ ...problem, cohorts, algorithm: { name: "fedavg" } });
    const corrected = await traceQuadratics({ ...problem, cohorts, algorithm: { name: "scaffold" } });
    expect(distance(biased.rounds.at(-1)!)).toBeCloseTo(0.13, 2);
    expect(distance(corrected.rounds.at(-1)!)).toBeLessThan(1e-9);
  });
});

describe("fedavgm", () => {
  it("sums a constant change as a geometric series", () => {
    const algorithm = fedavgm({ serverMomentum: 0.9 });
    let state = algorithm.init(new Float64Array([1]), scalar);
    let expected = 1;
    for (let t = 1; t <= 5; t++) {
      state = algorithm.update(state, { delta: new Float64Array([0.5]) }, context);
      expected += (0.5 * (1 - 0.9 ** t)) / (1 - 0.9);
      expect(state.vectors.parameters[0]).toBeCloseTo(expected, 12);
    }
  });
});

describe("fedprox", () => {
  it("moves less the stronger the proximal term", async () => {
    const norms = [];
    for (const proximalStrength of [0, 0.1, 1, 5]) {
      const algorithm = { name: "fedprox", proximalStrength };
      const { rounds } = await traceQuadratics({ ...problem, cohorts: [[1]], algorithm });
      norms.push(Math.hypot(...rounds[0]!));
    }
    expect([...norms].sort((x, y) => y - x)).toEqual(norms);
    expect(new Set(norms).size).toBe(4);
  });
});

describe("scaffold", () => {
  it("keeps c = mean of c_i under partial participation", async () => {
    const executor = interpreter();
    const states: ServerState[] = [];
    const base = scaffold();
    const watched: Algorithm = {
      ...base,
      update: (...args) => {
        states.push(base.update(...args));
        return states.at(-1)!;
      },
    };
    const cohorts = [[0, 1], [1, 2], [2, 3], [0, 3], [2], [0, 1, 3]];
    const { plan, simulation } = prepareQuadratics(watched, { ...problem, cohorts }, executor);
    const { backend, evaluator } = await inProcessSimulation(simulation, executor);
    const clientStates = memoryClientStates();
    await runFederation(plan, { backend, evaluator, checkpoints: memoryBlobStore(), clientStates, emit: () => {} });
    const kept = await Promise.all([0, 1, 2, 3].map((client) => clientStates.load(client)));
    for (let j = 0; j < 3; j++) {
      const mean = kept.reduce((sum, s) => sum + s!["control"]![j]!, 0) / 4;
      expect(Math.abs(states.at(-1)!.vectors["control"]![j]! - mean)).toBeLessThan(1e-12);
    }
  });

  it("equals FedAvg for clients that are all alike", async () => {
    const alike = { ...problem, a: problem.a.map(() => [1, 2, 3]), b: problem.b.map(() => [1, -1, 2]) };
    const cohorts = Array.from({ length: 5 }, () => [0, 1, 2, 3]);
    const ours = await traceQuadratics({ ...alike, cohorts, algorithm: { name: "scaffold" } });
    const plain = await traceQuadratics({ ...alike, cohorts, algorithm: { name: "fedavg" } });
    ours.rounds.flat().forEach((x, i) => {
      expect(Math.abs(x - plain.rounds.flat()[i]!)).toBeLessThan(1e-12);
    });
  });
});

const context = {
  round: 1,
  cohortSize: 1,
  population: 1,
  learningRate: 0.1,
  localSteps: 1,
  weightedSteps: 1,
  layout: scalar,
};

describe("fedopt", () => {
  const one = (algorithm: Algorithm, change: number) =>
    algorithm.update(algorithm.init(new Float64Array([1]), scalar), { delta: new Float64Array([change]) }, context)
      .vectors;

  it("gives FedAdam and FedYogi the same first second moment from zero", () => {
    const start = { initialSecondMoment: 0, serverBeta2: 0.99 };
    const [adam, yogi] = [one(fedadam(start), 0.3), one(fedyogi(start), 0.3)];
    expect(adam["secondMoment"]![0]).toBeCloseTo(0.01 * 0.09, 15);
    expect(yogi["secondMoment"]![0]).toBeCloseTo(0.01 * 0.09, 15);
  });

  it("moves Yogi's second moment by (1 - b2) D^2 either way", () => {
    for (const initialSecondMoment of [1, 1e-6]) {
      const v = one(fedyogi({ initialSecondMoment }), 0.3)["secondMoment"]![0]!;
      expect(Math.abs(v - initialSecondMoment)).toBeCloseTo(0.01 * 0.09, 12);
    }
  });

  it("follows the rule of each method for one step", () => {
    // by hand: D = 0.3, tau = 1e-3, v0 = tau^2; m = 0.1 D (b1 = 0.9) or D (b1 = 0); x = 1 + eta m / (sqrt(v) + tau)
    const tau = 1e-3;
    const adamV = 0.99 * tau ** 2 + 0.01 * 0.09;
    expect(one(fedadam(), 0.3).parameters[0]).toBeCloseTo(1 + (0.01 * 0.03) / (Math.sqrt(adamV) + tau), 12);
    const adagradV = tau ** 2 + 0.09;
    expect(one(fedadagrad(), 0.3).parameters[0]).toBeCloseTo(1 + (0.01 * 0.3) / (Math.sqrt(adagradV) + tau), 12);
  });

  it("tends to FedAvg for a large tau with eta = tau and no momentum", () => {
    const tau = 1e6;
    const vectors = one(
      fedadam({ serverBeta1: 0, adaptivity: tau, serverLearningRate: tau, initialSecondMoment: 0 }),
      0.3,
    );
    expect(vectors.parameters[0]).toBeCloseTo(1.3, 6);
  });
});

describe("registry", () => {
  it("takes the paper's symbols for option names", () => {
    expect(createAlgorithm("fedprox", { mu: 0.5 }).options).toMatchObject({ proximalStrength: 0.5 });
  });

  it.each([
    ["fedagv", {}, "algorithm/unknown", 'Did you mean "fedavg"'],
    ["FedLD", {}, "algorithm/unknown", "Did you mean"], // a method and a loss
    ["FedIT", {}, "algorithm/unknown", 'available as: adapters.rule = "fedit".'],
    ["top-k", {}, "algorithm/unknown", 'available as: compression.up = ["top-k density=0.01"].'],
    ["FedSpine", {}, "algorithm/unknown", 'available as: adapters.controller = "fedspine".'],
    ["GIFD", {}, "algorithm/unknown", "available as: anabranch audit --attack gifd."],
    ["MASHA1", {}, "algorithm/unknown", "available as: masha of @anabranch/core."],
    ["quantum", {}, "algorithm/unknown", 'Run "anabranch methods"'],
    ["fedprox", { proximalStrenght: 1 }, "algorithm/unknown-option", 'Did you mean "proximalStrength"'],
    ["fedavgm", { serverMomentum: 1.5 }, "algorithm/option", "algorithm.serverMomentum"],
    ["diff2-bvr-l-sgd", { protects: "records" }, "algorithm/unknown-option", "protects"], // it protects clients alone
  ])("refuses %s %j", (name, options, code, part) => {
    let caught: unknown;
    try {
      createAlgorithm(name, options);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code });
    expect(String(caught)).toContain(part);
  });

  it("documents every method: citation, update rule, symbols, state, wire cost, differences", async () => {
    for (const { file, name } of algorithms) {
      const source = await readFile(new URL(file, import.meta.url), "utf8");
      const header = source.slice(0, source.indexOf("*/"));
      for (const part of ["Citation:", "arXiv:", "Update rule:", "Symbols:", "State:", "Wire:", "Differences:"]) {
        expect(header, `${name}: ${part}`).toContain(part);
      }
      expect(header, `fill in the header of ${file}`).not.toContain("FILL IN");
    }
  });
});
