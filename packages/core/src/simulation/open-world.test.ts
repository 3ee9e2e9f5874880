import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import type { ArrayDataset } from "../data/index.ts";
import { openWorldAccuracies } from "../round/open-world-accuracies.ts";
import { prepareRun } from "./prepare.ts";

const TERMS = { margin: 1, pairwise: 1, entropy: 1, suppressed: 0.5 };
const UNLABELLED = { share: 0.5, classes: [2] };

const points = (n: number, from: number, relabel: (label: number) => number = (label) => label): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [n, 2], data: Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(from + i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => relabel(i % 4)) },
  classes: 4,
});

function open(more: ConfigInput = {}, train = points(48, 0)) {
  const config = resolveConfig({
    ...{ rounds: 3, seed: 5 },
    data: { clients: 4, partition: { scheme: "iid" }, unlabelled: UNLABELLED },
    model: { name: "mlp", hidden: [3] },
    training: { batchSize: 5, localSteps: 3, learningRate: 0.1, openWorld: TERMS },
    sampler: { cohort: 3 },
    ...more,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  return prepareRun(config, { train, test: points(12, 1000) }, identity, 0, "open");
}

describe("hidden labels", () => {
  it("are those of whole classes, and a share of each client's other examples", () => {
    const [hidden, known] = [open(), open({ data: { clients: 4, partition: { scheme: "iid" } }, training: {} })];
    const [ours, theirs] = [hidden, known].map(({ simulation }) => openDataSource(simulation.train));
    for (const client of [0, 1, 2, 3]) {
      const [labels, truth] = [
        Array.from(ours!.load(client).labels.data),
        Array.from(theirs!.load(client).labels.data),
      ];
      const others = truth.filter((label) => label !== 2).length;
      expect(labels.filter((label) => label < 4)).toHaveLength(others - Math.floor(others / 2));
      for (const [row, label] of labels.entries()) {
        if (truth[row] === 2) expect(label).toBe(4);
        else expect([truth[row], 4]).toContain(label);
      }
    }
    expect(hidden.plan.dataHash).not.toBe(known.plan.dataHash);
  });

  it("leave a class at one client, where it is to be there alone", () => {
    const data = { clients: 4, partition: { scheme: "iid" }, unlabelled: { single: [3, 1] } };
    const source = openDataSource(open({ data }).simulation.train);
    const has = (label: number) => [0, 1, 2, 3].filter((client) => source.load(client).labels.data.includes(label));
    expect([has(3), has(1)]).toEqual([[0], [1]]);
  });

  it("are not those of hold-outs and of the test set", () => {
    const data = { clients: 4, partition: { scheme: "iid" }, holdout: 0.25, unlabelled: UNLABELLED };
    const { simulation } = open({ data });
    for (const spec of [simulation.holdout!, simulation.test]) {
      const source = openDataSource(spec);
      for (let client = 0; client < source.clients; client++)
        expect(Math.max(...source.load(client).labels.data)).toBeLessThan(4);
    }
  });

  it.each([TERMS, {}])("change no bit of what is trained: %j", async (openWorld) => {
    const training = { batchSize: 5, localSteps: 3, learningRate: 0.1, openWorld };
    const data = { clients: 4, partition: { scheme: "iid" }, unlabelled: { classes: [2, 3] } };
    const swap = (label: number) => (label < 2 ? label : 5 - label);
    const [one, other] = [open({ training, data }), open({ training, data }, points(48, 0, swap))];
    const [a, b] = await Promise.all([simulateSmall(one), simulateSmall(other)]);
    expect(a.modelHash).toBe(b.modelHash);
  });

  it("train as labelled ones where the share is below one example", async () => {
    const training = { batchSize: 5, localSteps: 3, learningRate: 0.1 };
    const dataOf = (share: number) => ({ clients: 4, partition: { scheme: "iid" }, unlabelled: { share } });
    const [a, b] = await Promise.all([0.01, 0].map((share) => simulateSmall(open({ training, data: dataOf(share) }))));
    for (const [k, value] of a!.parameters.entries()) expect(value).toBeCloseTo(b!.parameters[k]!, 12);
  });
});

describe("the loss of FedoSSL", () => {
  it.each(["fedavg", "fedprox", "scaffold", "fedper", "ditto", "fedmuon"])("works with %s", async (name) => {
    const training = (openWorld: object) => ({ batchSize: 5, localSteps: 3, learningRate: 0.1, openWorld });
    const [with_, without] = await Promise.all(
      [TERMS, {}].map((terms) => simulateSmall(open({ algorithm: { name }, training: training(terms) }))),
    );
    expect(with_!.stopped).toBe("finished");
    expect(with_!.history.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    expect(with_!.modelHash).not.toBe(without!.modelHash);
  });

  it("trains clients that have no label, and batches without one", async () => {
    const data = { clients: 4, partition: { scheme: "iid" }, unlabelled: { share: 1 } };
    const result = await simulateSmall(open({ data }));
    expect(result.parameters.every(Number.isFinite)).toBe(true);
  });
});

describe("accuracies", () => {
  const found = [
    [5, 0, 1],
    [0, 0, 9],
    [0, 8, 0],
  ];

  it("of other classes are under the best naming, of labelled ones as they are", () => {
    const sums = { examples: [5, 8, 10], hits: [5, 0, 0], found };
    expect(openWorldAccuracies(sums, [1, 2])).toEqual({ seen: 1, unseen: 17 / 18 });
    expect(openWorldAccuracies(sums, [])).toBeUndefined();
    expect(openWorldAccuracies({ examples: [5, 8, 10], hits: [5, 0, 0] }, [1])).toBeUndefined();
  });
});

describe("refused", () => {
  const data = { clients: 4, partition: { scheme: "iid" }, unlabelled: { share: 0.5 } };

  it("is the loss without hidden labels, and hidden labels beside what reads them", () => {
    const plain = { clients: 4, partition: { scheme: "iid" } };
    expect(() => open({ data: plain })).toThrow(/training.openWorld/);
    const training = { batchSize: 5, learningRate: 0.1 };
    const hidden = { ...plain, unlabelled: { share: 1 } };
    expect(() => smallSimulation({ name: "fedavg" }, { data: hidden, training })).toThrow(/nothing to train on/);
    expect(() => open({ data: hidden })).not.toThrow();
    expect(() => open({ training: { ...training, curriculum: { order: "easy-first" } } })).toThrow(/curriculum/);
    expect(() => open({ training: { ...training, loss: { margin: 1 } } })).toThrow(/training.loss/);
    expect(() => open({ training: { ...training, loss: { confusion: 1 } } })).toThrow(/training.loss/);
    expect(() => open({ taskStream: { kind: "permuted-pixels", tasks: 1, roundsPerTask: 1 } })).toThrow(/taskStream/);
    expect(() => open({ attack: { name: "sign-flip" } })).toThrow(/attack.name/);
    expect(() => open({ training: { ...training, openWorld: { view: "mirrored" } } })).toThrow(/openWorld.view/);
  });

  it("are classes that the data do not have, live runs and methods without a model", () => {
    const strange = { ...data, unlabelled: { classes: [9] } };
    expect(() => open({ data: strange })).toThrow(/class 9/);
    expect(() => open({ data: { ...data, unlabelled: { classes: [0, 1, 2, 3] } } })).toThrow(/all classes/);
    expect(() => smallRun({ name: "fedavg" }, { data })).toThrow(/data.unlabelled.*live/s);
    expect(() => smallSimulation({ name: "fedkseed" }, { data })).toThrow(/data.unlabelled|receive none/s);
    const sampler = { cohort: 4 };
    for (const name of ["hyperfl", "pfedlora"])
      expect(() => smallSimulation({ name }, { data, sampler })).toThrow(/data.unlabelled.*train another one/s);
    const flora = { adapters: { rank: 1, rule: "flora" } } as const;
    expect(() => smallSimulation({ name: "fedavg" }, { data, ...flora })).toThrow(/data.unlabelled.*two parts/s);
    expect(() => smallSimulation({ name: "ggeur" }, { data, sampler })).toThrow(/data.unlabelled.*draw examples/s);
  });
});
