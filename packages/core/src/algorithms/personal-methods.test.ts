import { describe, expect, it } from "vitest";
import type { ConfigInput } from "../config/index.ts";
import { simulateSmall, smallSimulation } from "../conformance/small-live-run.ts";
import { runGolden } from "../golden/index.ts";
import { entryView } from "../params/layout.ts";

const a = [
  [2, 1, 0.5],
  [1, 3, 1],
  [0.5, 0.5, 2],
];
const b = [
  [1, -1, 2],
  [-2, 0.5, 0],
  [0, 3, -1],
];
const x0 = [0.5, -0.25, 1];
const cohorts = [
  [0, 1],
  [1, 2],
  [0, 1, 2],
];
const eta = 0.1;
const steps = 3;
const problem = { a, b, x0, learningRate: eta, localSteps: steps, cohorts };

const gradient = (client: number, x: readonly number[]) => x.map((v, j) => a[client]![j]! * (v - b[client]![j]!));
const mean = (rows: number[][]) => rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);
const near = (got: unknown, expected: unknown) => {
  const flat = (value: unknown): (number | null)[] =>
    Array.isArray(value) ? value.flatMap(flat) : [value as number | null];
  const [ours, theirs] = [flat(got), flat(expected)];
  expect(ours.length).toBe(theirs.length);
  for (const [i, value] of ours.entries()) {
    const other = theirs[i];
    if (value === null || other === null) expect(value).toBe(other);
    else expect(value).toBeCloseTo(other!, 10);
  }
};

type Model = number[] | null;

/** Plain loops: what a client makes of the global model and of what it keeps. */
function simulate(visit: (client: number, x: number[], kept: Model) => { sent: number[]; kept: number[] }) {
  let x = [...x0];
  const kept: Model[] = a.map(() => null);
  const [rounds, clients]: [number[][], Model[][]] = [[], []];
  for (const cohort of cohorts) {
    const sent = cohort.map((client) => {
      const done = visit(client, x, kept[client]!);
      kept[client] = done.kept;
      return done.sent;
    });
    x = mean(sent);
    rounds.push(x);
    clients.push([...kept]);
  }
  return { rounds, clients };
}

function descend(client: number, start: readonly number[], moves: (j: number) => boolean, count = steps): number[] {
  let y = [...start];
  for (let k = 0; k < count; k++) {
    const g = gradient(client, y);
    y = y.map((v, j) => (moves(j) ? v - eta * g[j]! : v));
  }
  return y;
}

describe("on quadratics, as in plain loops", () => {
  it.each([
    ["fedper", 0],
    ["fedrep", 2],
  ])("%s keeps its private coordinates", async (name, headSteps) => {
    const own = [1];
    const isOwn = (j: number) => own.includes(j);
    const expected = simulate((client, x, kept) => {
      const start = x.map((v, j) => (isOwn(j) ? (kept?.[j] ?? x0[j]!) : v));
      const warm = descend(client, start, isOwn, headSteps);
      const y = descend(client, warm, name === "fedper" ? () => true : (j) => !isOwn(j));
      return { sent: y.map((v, j) => (isOwn(j) ? x0[j]! : v)), kept: y };
    });
    const algorithm = name === "fedrep" ? { name, headSteps } : { name };
    const trace = await runGolden({ operation: `trace/${name}`, input: { ...problem, algorithm, private: own } });
    near((trace as typeof expected).rounds, expected.rounds);
    near((trace as typeof expected).clients, expected.clients);
  });

  it("ditto trains a model of its own beside FedAvg's", async () => {
    const lambda = 0.7;
    const expected = simulate((client, x, kept) => {
      let v = kept ?? x;
      for (let k = 0; k < steps; k++) {
        const g = gradient(client, v);
        v = v.map((value, j) => value - eta * (g[j]! + lambda * (value - x[j]!)));
      }
      return { sent: descend(client, x, () => true), kept: v };
    });
    const trace = await runGolden({
      operation: "trace/ditto",
      input: { ...problem, algorithm: { name: "ditto", lambda } },
    });
    near((trace as typeof expected).clients, expected.clients);
    const { rounds } = (await runGolden({
      operation: "trace/fedper",
      input: { ...problem, algorithm: { name: "fedper" } },
    })) as typeof expected;
    // bit for bit FedAvg, and FedPer with nothing private is that, too
    expect((trace as typeof expected).rounds).toEqual(rounds);
  });

  it("pfedme descends on envelopes", async () => {
    const [lambda, innerSteps, alpha, beta] = [3, 4, 0.05, 1.5];
    let before = [...x0];
    const expected = simulate((client, x) => {
      let w = x;
      let theta = x;
      for (let k = 0; k < steps; k++) {
        theta = w;
        for (let r = 0; r < innerSteps; r++) {
          const g = gradient(client, theta);
          theta = theta.map((t, j) => t - alpha * (g[j]! + lambda * (t - w[j]!)));
        }
        w = w.map((v, j) => v - eta * lambda * (v - theta[j]!));
      }
      return { sent: w.map((v, j) => x[j]! + beta * (v - x[j]!)), kept: theta };
    });
    before = expected.rounds.at(-1)!;
    const algorithm = { name: "pfedme", lambda, innerSteps, innerLearningRate: alpha, beta };
    const trace = (await runGolden({ operation: "trace/pfedme", input: { ...problem, algorithm } })) as typeof expected;
    near(trace.rounds.at(-1), before);
    near(trace.clients, expected.clients);
  });

  it.each(["fo", "hf"])("perfedavg descends through the adaptation step: %s", async (form) => {
    const alpha = 0.2;
    const expected = simulate((client, x) => {
      let w = x;
      for (let k = 0; k < steps; k++) {
        const g = gradient(client, w);
        const u = gradient(
          client,
          w.map((v, j) => v - alpha * g[j]!),
        );
        w = w.map((v, j) => v - eta * (form === "hf" ? (1 - alpha * a[client]![j]!) * u[j]! : u[j]!));
      }
      return { sent: w, kept: w };
    });
    const algorithm = { name: "perfedavg", form, alpha };
    const trace = (await runGolden({
      operation: "trace/perfedavg",
      input: { ...problem, algorithm },
    })) as typeof expected;
    near(trace.rounds, expected.rounds);
    const last = trace.rounds.at(-1)!;
    near(
      trace.clients.at(-1),
      a.map((_, client) => {
        const g = gradient(client, last);
        return last.map((v, j) => v - alpha * g[j]!);
      }),
    );
  });
});

describe("fedcac", () => {
  const everyone = [0, 1, 2];
  const full = { ...problem, cohorts: [everyone, everyone, everyone, everyone] };
  const run = (options: object) =>
    runGolden({ operation: "trace/fedcac", input: { ...full, algorithm: { name: "fedcac", ...options } } }) as Promise<{
      rounds: number[][];
      clients: number[][][];
    }>;
  const fedavg = async () =>
    (
      (await runGolden({ operation: "trace/fedper", input: { ...full, algorithm: { name: "fedper" } } })) as {
        rounds: number[][];
      }
    ).rounds;

  it("is FedAvg bit for bit where nothing is critical", async () => {
    expect((await run({ criticalFraction: 0 })).rounds).toEqual(await fedavg());
  });

  it("is FedAvg but for rounding where all is critical, so that all masks are equal", async () => {
    near((await run({ criticalFraction: 1, beta: 1e-9 })).rounds, await fedavg());
  });

  it("leaves critical values to their client once they are private", async () => {
    const starts = [{ w: [0, 0, 0, 0] }, { w: [0, 0, 0, 0] }, { w: [0, 0, 0, 0] }];
    const trained = [{ w: [5, 4, 1, 0.5] }, { w: [5, 0.5, 4, 1] }, { w: [0.5, 1, 5, 4] }];
    const input = { starts, trained, samples: [2, 1, 1], criticalFraction: 0.5, beta: 3, round: 3 };
    const mixed = (await runGolden({ operation: "fedcac/server", input })) as {
      collaborators: number[][];
      nextStarts: { w: number[] }[];
    };
    expect(mixed.collaborators).toEqual([[0], [1], [2]]);
    // global: (2 a + b + c) / 4 = [3.875, 2.375, 2.75, 1.5]
    expect(mixed.nextStarts.map(({ w }) => w)).toEqual([
      [5, 4, 2.75, 1.5],
      [5, 2.375, 4, 1.5],
      [3.875, 2.375, 5, 4],
    ]);
  });

  it("shares nothing with an empty mask, and everything among identical clients", async () => {
    const same = { b: [1, 2], w: [[1, -1]] };
    const moved = { b: [2, 1], w: [[3, -2]] };
    const input = { starts: [same, same], trained: [moved, moved], criticalFraction: 0.5, beta: 10, round: 0 };
    const mixed = (await runGolden({ operation: "fedcac/server", input })) as Record<string, unknown>;
    expect(mixed["overlaps"]).toEqual([
      [1, 1],
      [1, 1],
    ]);
    near(Object.values((mixed["nextStarts"] as (typeof moved)[])[1]!), Object.values(moved));
    const still = { ...input, trained: [same, moved], beta: 1e-9 };
    const apart = (await runGolden({ operation: "fedcac/server", input: still })) as Record<string, unknown>;
    expect(apart["overlaps"]).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });
});

describe("fedbn", () => {
  const normalization = { type: "batchNorm", tensors: ["weight", "bias", "runningMean"] };

  it("keeps normalizations by their type, and SiloBN their statistics alone", async () => {
    const modules = [
      { name: "bn_like", type: "dense", tensors: ["weight", "bias"] },
      { name: "shortcut.1", ...normalization },
    ];
    expect(await runGolden({ operation: "fedbn/private", input: { modules } })).toEqual({
      fedbn: ["shortcut.1.bias", "shortcut.1.runningMean", "shortcut.1.weight"],
      silobn: ["shortcut.1.runningMean"],
    });
    const plain = { modules: modules.slice(0, 1) };
    expect(await runGolden({ operation: "fedbn/private", input: plain })).toEqual({ fedbn: [], silobn: [] });
  });

  it("shares all of a model without normalizations, and refuses no such model", () => {
    const { prepared } = smallSimulation({ name: "fedbn" });
    expect(prepared.plan.held).toBeUndefined();
  });
});

it("lg-fedavg shares the head alone, and trains as fedper does with the other layers kept", async () => {
  const { prepared } = smallSimulation({ name: "lg-fedavg" });
  const { layout, held } = prepared.plan;
  const names = ({ entries }: typeof layout) => entries.map(({ name }) => name);
  const head = names(layout);
  expect(new Set(head.map((name) => name.split(".")[0])).size).toBe(1);
  const { layout: body } = smallSimulation({ name: "fedper" }).prepared.plan;
  expect(names(held!.split.personal)).toEqual(names(body));
  expect(head.filter((name) => names(body).includes(name))).toEqual([]);
  const swapped = smallSimulation({ name: "fedper" }, { parameters: { personal: ["*", "!head"] } });
  const hashes = await Promise.all(
    [prepared, swapped.prepared].map(async (run) => (await simulateSmall(run)).modelHash),
  );
  expect(hashes[0]).toBe(hashes[1]);
});

describe("partialfed", () => {
  const run = async (algorithm: ConfigInput["algorithm"], more: ConfigInput = {}) => {
    const { prepared } = smallSimulation(algorithm, more);
    const { parameters } = await simulateSmall(prepared);
    return { layout: prepared.plan.layout, parameters };
  };

  const everyone: ConfigInput = { sampler: { cohort: 4 } };

  it("trains the layers that clients load as fedper does", async () => {
    const [ours, fedper] = [
      await run({ name: "partialfed", keeps: [["head"]] }, everyone),
      await run({ name: "fedper" }, everyone),
    ];
    for (const entry of fedper.layout.entries) {
      const same = ours.layout.entries.find(({ name }) => name === entry.name)!;
      const expected = Array.from(entryView(fedper.parameters, entry));
      expect(Array.from(entryView(ours.parameters, same))).toEqual(expected.map((x) => expect.closeTo(x, 12)));
    }
  });

  it("gives each client its own list of layers, in turn", async () => {
    const [mixed, all] = [
      await run({ name: "partialfed", keeps: [["head"], []] }, everyone),
      await run({ name: "partialfed", keeps: [["head"]] }, everyone),
    ];
    expect(mixed.parameters).not.toEqual(all.parameters);
  });

  it("refuses layers that a model does not have, and what hides single models", () => {
    expect(() => smallSimulation({ name: "partialfed", keeps: [["tail"]] })).toThrow(/algorithm.keeps/);
    const sums: ConfigInput = { secureAggregation: { protocol: "plain", range: 1 } };
    expect(() => smallSimulation({ name: "partialfed" }, sums)).toThrow(/single updates|by itself/);
    const noise: ConfigInput = { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } };
    expect(() => smallSimulation({ name: "partialfed" }, noise)).toThrow(/by itself/);
  });
});

it("fedrep's order matters on a net: the head first, then the body", async () => {
  const parameters = {
    W1: [
      [0.5, -1],
      [1, 0.25],
    ],
    b1: [0.1, -0.2],
    W2: [
      [1, -1],
      [0.5, 0.5],
    ],
    b2: [0, 0.1],
  };
  const rows = {
    x: [
      [1, 2],
      [-1, 0.5],
      [0.5, -1.5],
    ],
    y: [0, 1, 1],
    batches: [[0, 1], [2]],
  };
  const run = (work: object) =>
    runGolden({ operation: "fedrep/tiny", input: { parameters, ...rows, learningRate: 0.2, ...work } }) as Promise<{
      parameters: typeof parameters;
    }>;
  const still = await run({ headEpochs: 0, bodyEpochs: 2 });
  expect([still.parameters.W2, still.parameters.b2]).toEqual([parameters.W2, parameters.b2]);
  const both = await run({ headEpochs: 2, bodyEpochs: 1 });
  const body = await run({ headEpochs: 0, bodyEpochs: 1 });
  expect(both.parameters.W2).not.toEqual(parameters.W2);
  expect(both.parameters.W1).not.toEqual(body.parameters.W1);
});
