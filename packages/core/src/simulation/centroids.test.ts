import { describe, expect, it } from "vitest";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { simulateSmall, smallSimulation } from "../conformance/small-live-run.ts";
import { recording } from "./trace-federation.ts";

const TERMS = { margin: 1, pairwise: 1, entropy: 1, groups: 4, smallest: 2, confidence: 0.3 };
const LATER = { calibration: 0.5, calibrationFrom: 3, pseudoLabels: 1, pseudoLabelsFrom: 4 };

function prepare(openWorld: object, more: ConfigInput = {}, algorithm = "fedavg") {
  return smallSimulation(
    { name: algorithm },
    {
      rounds: 4,
      model: { name: "mlp", hidden: [8] },
      data: { clients: 4, partition: { scheme: "iid" }, unlabelled: { share: 0.3, classes: [2] } },
      training: { batchSize: 6, localSteps: 3, learningRate: 0.1, openWorld },
      ...more,
    },
  );
}

/** What the server has after each round. */
async function states(openWorld: object) {
  const { prepared } = prepare(openWorld);
  const seen: { parameters: number[]; centroids: number[] | undefined }[] = [];
  const algorithm = recording(prepared.plan.algorithm, (parameters, { vectors: { centroids } }) => {
    seen.push({ parameters: Array.from(parameters), centroids: centroids && Array.from(centroids) });
  });
  await simulateSmall({ ...prepared, plan: { ...prepared.plan, algorithm } });
  return seen;
}

describe("centroids for examples without a label", () => {
  it("begin to matter in the round that is set, each term in its own", async () => {
    const [without, calibrated, both] = await Promise.all([
      states(TERMS),
      states({ ...TERMS, ...LATER, pseudoLabels: 0 }),
      states({ ...TERMS, ...LATER }),
    ]);
    const models = [without, calibrated, both].map((run) => run.map(({ parameters }) => parameters));
    expect(models[1]!.slice(0, 2)).toEqual(models[0]!.slice(0, 2));
    expect(models[1]![2]).not.toEqual(models[0]![2]);
    expect(models[2]!.slice(0, 3)).toEqual(models[1]!.slice(0, 3));
    expect(models[2]![3]).not.toEqual(models[1]![3]);
    expect(without.every(({ centroids }) => centroids === undefined)).toBe(true);
    // calibration, pseudo-labels, and rows of length 1
    expect(both.map(({ centroids }) => centroids!.slice(0, 2))).toEqual([
      [0, 0],
      [0.5, 0],
      [0.5, 1],
      [0.5, 1],
    ]);
    const rows = both[0]!.centroids!.slice(2);
    for (let c = 0; c < 3; c++) expect(Math.hypot(...rows.slice(8 * c, 8 * (c + 1)))).toBeCloseTo(1, 6);
  });

  it("come from a message of groups and classes, and nothing else", () => {
    const { plan } = prepare({ ...TERMS, ...LATER }).prepared;
    const { layout, aggregation, classStatistics } = plan.payloads.upload["centroids"]!;
    expect([aggregation, classStatistics]).toEqual(["each", true]);
    expect(layout.entries.map(({ name, shape }) => [name, ...shape])).toEqual([
      ["count", 3],
      ["groups", 4, 8],
      ["mean", 3, 8],
    ]);
  });

  it("stay unknown where all groups are too small", async () => {
    const [plain, none] = await Promise.all([states(TERMS), states({ ...TERMS, ...LATER, smallest: 1000 })]);
    expect(none.map(({ parameters }) => parameters)).toEqual(plain.map(({ parameters }) => parameters));
    expect(none.every(({ centroids }) => centroids!.every((value) => value === 0))).toBe(true);
  });

  it("leave out rows that are longer than directions", async () => {
    const { prepared } = prepare({ ...TERMS, ...LATER });
    const result = await simulateSmall(prepared, (backend) =>
      alteredBackend(backend, (outcome, { client }) => {
        if ("update" in outcome && client === 1) outcome.update.vectors["centroids"]!.fill(1e30);
        return outcome;
      }),
    );
    expect(result.stopped).toBe("finished");
    expect(result.history.map(({ clients }) => clients)).toEqual([3, 3, 3, 3]);
  });

  it("leave a run alone that does not need them", async () => {
    const [given, absent] = [prepare({ ...TERMS, groups: 7 }), prepare(TERMS)];
    expect(configHash(given.config)).toBe(configHash(absent.config));
    const on = { ...TERMS, calibration: 1 };
    expect(configHash(prepare(on).config)).not.toBe(configHash(prepare({ ...on, groups: 7 }).config));
  });

  it.each(["fedprox", "scaffold", "fedper"])("work with %s", async (name) => {
    const { prepared } = prepare({ ...TERMS, ...LATER }, {}, name);
    const { stopped, parameters } = await simulateSmall(prepared);
    expect(stopped).toBe("finished");
    expect(Array.from(parameters).every(Number.isFinite)).toBe(true);
  });

  it("are refused where clients hide their messages, or have no common model", () => {
    const on = { ...TERMS, calibration: 1 };
    const refused = (more: ConfigInput, algorithm?: string) => () => prepare(on, more, algorithm);
    const privacy = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } as const;
    expect(refused({ privacy, sampler: { name: "poisson", cohort: 2 } })).toThrow(/calibration.*Epsilon does not/s);
    expect(refused({ secureAggregation: { protocol: "plain", range: 1 } })).toThrow(/calibration.*beside the sum/s);
    expect(refused({ aggregation: { rule: "median" } })).toThrow(/compare the statistics/);
    expect(refused({ aggregation: { clipNorm: 1 } })).toThrow(/norm would be that of the statistics/);
    expect(refused({}, "heterofl")).toThrow(/one whole model/);
    const buffered = { schedule: { name: "buffered", buffer: 2 }, devices: { speed: "equal" } } as const;
    expect(refused(buffered)).toThrow(/schedule.name/);
    const labelled = { data: { clients: 4, partition: { scheme: "iid" } }, sampler: { cohort: 4 } } as const;
    expect(() => resolveConfig({ ...labelled, training: { openWorld: { calibration: 1 } } })).toThrow(
      /no labels hidden/,
    );
  });
});
