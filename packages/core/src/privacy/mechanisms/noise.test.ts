import { describe, expect, it } from "vitest";
import { taskKeys, type Update } from "../../protocol/index.ts";
import { applyClientStages, applyServerStages } from "../../protocol/stage.ts";
import { deriveKey, rootKey } from "../../random/index.ts";
import { addGaussian, noisePath, noiseStream } from "./gaussian.ts";
import { CLIP_NORM, type MechanismSettings, UNCLIPPED } from "./settings.ts";
import { mechanismStages } from "./stages.ts";

/**
 * All statistics below are compared with what a Gaussian gives at five standard errors: a false alarm of 6e-7 for each of
 * about thirty statistics, so below 2e-5 in all. Seeds are fixed; only a changed generator can raise it.
 */
const SIGMAS = 5;
const d = 100_000;
const settings: MechanismSettings = {
  clipping: "flat",
  clipNorm: 0.4,
  distribution: "gaussian",
  noise: "central",
  noiseMultiplier: 1.5,
  denominator: 8,
  minimumSurvivors: 1,
  source: { kind: "seeded" },
};
const onServer = { round: 3, scalars: { [CLIP_NORM]: settings.clipNorm } };
const onClient = { scalars: onServer.scalars, layouts: {}, keys: {} };
const trained = ["delta"];
/** What stages may know, of the run with this seed. */
const ofRun = (seed: number) => ({
  participants: 0,
  key: (...path: (string | number)[]) => deriveKey(rootKey(seed), ...path),
});
const zero = (client: number, round = 3): Update => ({
  round,
  client,
  layoutHash: "",
  vectors: { delta: new Float64Array(d) },
  public: { examples: 1, steps: 1, weight: 1, loss: 0 },
});

/** What a round of clients that changed nothing releases. */
function released(changes: Partial<MechanismSettings>, clients: number, round = 3, seed = 11): Float64Array {
  const mechanism = { ...settings, ...changes };
  const stages = mechanismStages(mechanism, trained);
  const requests = stages.flatMap(({ keys = [] }) => keys);
  const total = new Float64Array(d);
  for (let client = 0; client < clients; client++) {
    const keys = taskKeys(rootKey(seed), requests, round)(client, 0);
    const { vectors } = applyClientStages(stages, zero(client, round), { ...onClient, keys });
    for (let i = 0; i < d; i++) total[i] = total[i]! + vectors["delta"]![i]!;
  }
  const aggregate = applyServerStages(
    stages,
    { vectors: { delta: total }, state: {} },
    { ...onServer, ...ofRun(seed), round },
  );
  return aggregate.vectors["delta"] as Float64Array;
}

function expectGaussian(values: Float64Array, deviation: number): void {
  const n = values.length;
  const moment = (k: number) => values.reduce((sum, x) => sum + (x / deviation) ** k, 0) / n;
  expect(Math.abs(moment(1))).toBeLessThan(SIGMAS / Math.sqrt(n));
  expect(Math.abs(moment(2) - 1)).toBeLessThan(SIGMAS * Math.sqrt(2 / n));
  // E x^3 = 0 with variance 15, E x^4 = 3 with variance 96
  expect(Math.abs(moment(3))).toBeLessThan(SIGMAS * Math.sqrt(15 / n));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(SIGMAS * Math.sqrt(96 / n));
}

function correlation(a: Float64Array, b: Float64Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return ab / Math.sqrt(aa * bb);
}

const uncorrelated = (a: Float64Array, b: Float64Array) =>
  expect(Math.abs(correlation(a, b))).toBeLessThan(SIGMAS / Math.sqrt(a.length));

describe("noise of a released round", () => {
  const central = (1.5 * 0.4) / 8; // z C / (q M)

  it("central: has standard deviation z C / (q M), whoever came, and in an empty round", () => {
    expectGaussian(released({}, 0), central);
    expectGaussian(released({}, 3), central);
  });

  it("distributed: the shares of the fewest survivors have the central variance, more have more", () => {
    expectGaussian(released({ noise: "distributed", minimumSurvivors: 4 }, 4), central);
    expectGaussian(released({ noise: "distributed", minimumSurvivors: 4 }, 6), central * Math.sqrt(6 / 4));
  });

  it("local: every client adds all of it", () => {
    expectGaussian(released({ noise: "local" }, 4), central * Math.sqrt(4));
  });

  it("is independent over coordinates, rounds, clients and vectors, and the same for the same seed", () => {
    const first = released({}, 0);
    expect(released({}, 0)).toEqual(first);
    for (const lag of [1, 2, 7]) uncorrelated(first.subarray(lag), first.subarray(0, d - lag));
    uncorrelated(first, released({}, 0, 4));
    uncorrelated(first, released({}, 0, 3, 12));
    const draw = (vector: string, ...client: number[]) => {
      const values = new Float64Array(d);
      addGaussian(values, 1, noiseStream(settings.source, ofRun(11).key(...noisePath(3, vector, ...client))));
      return values;
    };
    uncorrelated(draw("delta", 0), draw("delta", 1));
    uncorrelated(draw("delta"), draw("other"));
  });

  it("comes from the secure source behind the same port, and is then never the same", () => {
    const secure = { source: { kind: "secure" } } as const;
    const [first, second] = [released(secure, 0), released(secure, 0)];
    expectGaussian(first, central);
    uncorrelated(first, second);
  });

  it("splits between updates and the count of unclipped ones", () => {
    const adaptive = { targetQuantile: 0.5, rate: 0.2, countNoise: 2 };
    const [, noise] = mechanismStages({ ...settings, adaptive }, trained);
    const { vectors: out } = applyServerStages(
      [noise!],
      { vectors: { delta: new Float64Array(d), [UNCLIPPED]: new Float64Array(d) }, state: {} },
      { ...onServer, ...ofRun(11) },
    );
    expectGaussian(out["delta"] as Float64Array, ((1.5 ** -2 - 4 ** -2) ** -0.5 * 0.4) / 8);
    expectGaussian(out[UNCLIPPED] as Float64Array, 2 / 8);
  });
});

describe("a client's half of the stages", () => {
  it("votes by whether its update was within the clip norm", () => {
    const stages = mechanismStages(
      { ...settings, adaptive: { targetQuantile: 0.5, rate: 0.2, countNoise: 1 } },
      trained,
    );
    const vote = (size: number) => {
      const update = { ...zero(0), vectors: { delta: Float64Array.of(size, 0) } };
      return applyClientStages(stages, update, onClient).vectors[UNCLIPPED];
    };
    expect(vote(0.39)).toEqual(Float64Array.of(0.5));
    expect(vote(0.41)).toEqual(Float64Array.of(-0.5));
  });

  it("moves the noiseless sum by at most C: one client more or less", () => {
    const stages = mechanismStages({ ...settings, noiseMultiplier: 0, denominator: 1 }, trained);
    const update = { ...zero(0), vectors: { delta: Float64Array.of(30, -40) } };
    const { vectors } = applyClientStages(stages, update, onClient);
    expect(Math.hypot(...vectors["delta"]!)).toBeLessThanOrEqual(0.4 * (1 + 1e-12));
  });
});

it("a deviation that is no number is refused", () => {
  for (const deviation of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
    expect(() => addGaussian(new Float64Array(1), deviation, noiseStream(settings.source, rootKey(1)))).toThrow(
      expect.objectContaining({ code: "privacy/deviation" }),
    );
  }
});
