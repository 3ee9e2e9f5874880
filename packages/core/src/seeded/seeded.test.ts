import { describe, expect, it } from "vitest";
import { fromByte, toByte } from "../compression/index.ts";
import { layout } from "../params/layout.ts";
import { fillDirection, rootKey } from "../random/index.ts";
import { type Directions, directionInto, directionKey } from "./directions.ts";
import { extendedLog, logFrom } from "./log.ts";
import { poolModel } from "./pool.ts";
import { packProbes, probeRecord, unpackProbes } from "./probe-log.ts";
import { mergedBlocks, projected } from "./projection.ts";
import { applyNewest, continuedModel, Replayer } from "./replay.ts";

const signs: Directions = { family: "rademacher", seed: 3 };
const row = (directions: Directions, path: number[], d: number) =>
  Array.from(directionInto(new Float64Array(d), directions, path));

describe("directions", () => {
  it("of other paths and other seeds are others", () => {
    const seen = [[0], [1], [0, 0], [0, 1], [1, 0]].map((path) => row(signs, path, 64).join());
    seen.push(row({ ...signs, seed: 4 }, [0], 64).join());
    expect(new Set(seen).size).toBe(seen.length);
  });

  it("that are given are looked up, and a missing one is named", () => {
    const given: Directions = { family: "given", rows: [[[1, 2]], [[3, 4]]] };
    expect(row(given, [1, 0], 2)).toEqual([3, 4]);
    expect(() => row(given, [1, 1], 2)).toThrow(/1\.1/);
    expect(() => row(given, [1, 0], 3)).toThrow(/2 entries; expected 3 numbers/);
  });
});

describe("the model of a pool", () => {
  it("is the start less the sum of coefficients times directions, in float32 rounded once", () => {
    const start = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i));
    const a = Float32Array.of(0.25, 0, -1.5);
    const rows = [0, 1, 2].map((j) => row(signs, [j], 40));
    const expected = start.map((w, i) => w - rows.reduce((sum, z, j) => sum + a[j]! * z[i]!, 0));
    expect(poolModel(start, a, { directions: signs })).toEqual(expected);
  });
});

const probes = { kind: "probes", directions: signs, probes: 2, bytes: true } as const;

/** A log of rounds 0, 1 and 3, and the models after them. */
function history() {
  const start = Float32Array.from({ length: 50 }, (_, i) => Math.cos(i));
  let log: Float32Array = new Float32Array(0);
  const models: Float32Array[] = [start];
  for (const [round, clients] of [
    [0, [0, 2]],
    [1, [1]],
    [3, [2, 0, 1]],
  ] as const) {
    const slopes = clients.flatMap((k) => [toByte(0.3 * (k + 1)), toByte(-round - 0.1)]);
    const longer = extendedLog(log, round, probeRecord(0.01, clients, slopes)) as Float32Array;
    models.push(applyNewest(probes, models.at(-1)!, longer, log) as Float32Array);
    log = longer;
  }
  return { start, log, models };
}

describe("a log of slopes", () => {
  it("moves the model along the directions of its round and clients", () => {
    const { start, models } = history();
    const sum = new Float64Array(50);
    for (const [k, values] of [
      [0, [0.3, -0.1]],
      [2, [0.9, -0.1]],
    ] as const)
      for (const [j, slope] of values.entries())
        for (const [i, z] of row(signs, [0, k, j], 50).entries()) sum[i]! += fromByte(toByte(slope)) * z;
    expect(models[1]).toEqual(start.map((x, i) => x - Math.fround(0.01) * sum[i]!));
  });

  it("gives a client that joins the bits of one that never left, whenever each read it", () => {
    const { start, log, models } = history();
    const broadcast = (part: Float32Array) => ({ vectors: {}, encoded: { log: packProbes(probes, part) } });
    const joiner = new Replayer(probes, start).model(broadcast(log));
    const always = new Replayer(probes, start);
    const ends = [0, logFrom(log, 1), logFrom(log, 2), logFrom(log, 4)].map((rest) =>
      typeof rest === "number" ? 0 : log.length - rest.length,
    );
    for (const [i, end] of ends.entries()) expect(always.model(broadcast(log.subarray(0, end)))).toEqual(models[i]);
    expect(joiner).toEqual(models[3]);
    // a log that begins otherwise is read from the start
    expect(always.model(broadcast(logFrom(log, 3) as Float32Array))).not.toEqual(models[3]);
    expect(always.model(broadcast(log))).toEqual(models[3]);
  });

  it("comes back from its bytes, of which a slope takes one", () => {
    const { log } = history();
    const packed = packProbes(probes, log);
    expect(packed.length).toBe(3 * 16 + 6 * (4 + 2));
    expect(unpackProbes(probes, packed, log)).toEqual(log);
    const floats = { probes: 2, bytes: false };
    const other = extendedLog(new Float64Array(0), 7, [0.1, 5, Math.PI, -1e-9]);
    expect(unpackProbes(floats, packProbes(floats, other), other)).toEqual(other);
  });

  it("is given from the round that a client lacks", () => {
    const { log } = history();
    expect(logFrom(log, 0)).toEqual(log);
    expect(Array.from(logFrom(log, 2)).slice(0, 2)).toEqual([3, 10]);
    expect(logFrom(log, 4).length).toBe(0);
  });
});

describe("coordinates of an update", () => {
  const blocks = [60, 40];
  const trained = Float64Array.from({ length: 100 }, (_, i) => Math.sin(3 * i) * (i < 60 ? 1 : 0.01));
  const of = (directions: Directions, count: number, variant: "unbiased" | "code" = "unbiased") =>
    ({ from: "delta", into: "coordinates", directions, blocks, count, variant }) as const;
  const replayed = (projection: ReturnType<typeof of>, round: number, coordinates: ArrayLike<number>) => {
    const log = extendedLog(new Float64Array(0), round, [1, ...Array.from(coordinates)]);
    const { directions, count } = projection;
    return applyNewest({ kind: "blocks", directions, blocks, count }, new Float64Array(100), log, new Float64Array(0));
  };

  it.each(["uniform", "rademacher"] as const)("stand for it in the mean over rounds (%s)", (family) => {
    const projection = of({ family, seed: 1 }, 8);
    const mean = new Float64Array(100);
    const rounds = 4000;
    for (let r = 0; r < rounds; r++) {
      const coordinates = projected(projection, trained, { round: r + 1, client: 0, key: rootKey(r) });
      for (const [i, value] of replayed(projection, r, coordinates).entries()) mean[i]! += value / rounds;
    }
    const error = Math.hypot(...mean.map((value, i) => value - trained[i]!)) / Math.hypot(...trained);
    expect(error).toBeLessThan(1.3 * Math.sqrt(60 / 8 / rounds));
  });

  it("go to blocks by their norms, two at least, and differ by client", () => {
    const projection = of({ family: "uniform", seed: 1 }, 20);
    const used = (client: number) => {
      const c = projected(projection, trained, { round: 1, client, key: rootKey(client) });
      return [c.subarray(0, 20), c.subarray(20)].map((block) => block.map((value) => Number(value !== 0)));
    };
    expect(used(0).map((block) => block.reduce((a, b) => a + b))).toEqual([20, 2]);
    expect(used(0)[1]).not.toEqual(used(1)[1]);
  });

  it("are three times smaller as the released code scales them", () => {
    const request = { round: 1, client: 0, key: rootKey(1) };
    const directions = { family: "uniform", seed: 1 } as const;
    const [ours, code] = [
      projected(of(directions, 8), trained, request),
      projected(of(directions, 8, "code"), trained, request),
    ];
    for (const [j, c] of code.entries()) expect(ours[j]!).toBeCloseTo(3 * c, 8);
  });

  it("of an update of zeros are zeros", () => {
    const c = projected(of(signs, 4), new Float64Array(100), { round: 1, client: 0, key: rootKey(1) });
    expect(Array.from(c)).toEqual(new Array(8).fill(0));
  });
});

describe("merged blocks", () => {
  const sized = (sizes: number[]) =>
    layout(sizes.map((size, i) => ({ name: `p${i}`, shape: [size], role: "vector", block: "b" })));

  it("have nearly the median size of a parameter at least, and hold all", () => {
    expect(mergedBlocks(sized([100, 1, 90, 10, 200]))).toEqual([100, 91, 210]);
    expect(mergedBlocks(sized([100, 100, 5]))).toEqual([100, 105]);
    expect(mergedBlocks(sized([7]))).toEqual([7]);
  });
});

describe("keys of directions", () => {
  it("are derived from the seed alone", () => {
    const direct = fillDirection(new Float64Array(16), "rademacher", directionKey(3, [5]));
    expect(row(signs, [5], 16)).toEqual(Array.from(direct));
  });
});

describe("a stretch of a log that somebody sent", () => {
  const { log, models } = history();
  const sent = (part: Float32Array) => ({ vectors: {}, encoded: { log: packProbes(probes, part) } });
  const refused = expect.objectContaining({ code: "seeded/broadcast" }) as unknown as Error;

  it("gives the model of who never left", () => {
    const missed = sent(logFrom(log, 1) as Float32Array);
    expect(continuedModel(probes, models[1]!, missed, { from: 1, to: 4, clients: 3 })).toEqual(models[3]);
    expect(continuedModel(probes, models[3]!, sent(new Float32Array(0)), { from: 4, to: 4, clients: 3 })).toEqual(
      models[3],
    );
  });

  it.each([
    ["has rounds that the client has", { from: 2, to: 4, clients: 3 }],
    ["has rounds that are not over", { from: 1, to: 3, clients: 3 }],
    ["has more clients than the run", { from: 1, to: 4, clients: 2 }],
  ])("is refused where it %s", (_what, of) => {
    expect(() => continuedModel(probes, models[1]!, sent(logFrom(log, 1) as Float32Array), of)).toThrow(refused);
  });

  it("is refused where it is cut, repeated or missing", () => {
    const of = { from: 0, to: 4, clients: 3 };
    const { encoded } = sent(log);
    const bad = [new Float32Array([...log, ...log]), logFrom(log, 3)].map((part) => sent(part as Float32Array));
    expect(() => continuedModel(probes, models[0]!, bad[0]!, of)).toThrow(refused);
    expect(() => continuedModel(probes, models[0]!, { vectors: {} }, of)).toThrow(refused);
    for (let length = 1; length < encoded.log.length; length++) {
      const cut = { vectors: {}, encoded: { log: encoded.log.subarray(0, length) } };
      try {
        // records that are whole are rounds without the later ones
        expect(continuedModel(probes, models[0]!, cut, of)).toHaveLength(50);
      } catch (error) {
        expect(error).toMatchObject({ code: "seeded/broadcast" });
      }
    }
  });

  it("is refused within seconds where it is endless", { timeout: 5000 }, () => {
    const endless = new Uint8Array(16 * 300_000); // records of round 0 without clients
    const of = { from: 0, to: 4, clients: 3 };
    expect(() => continuedModel(probes, models[0]!, { vectors: {}, encoded: { log: endless } }, of)).toThrow(refused);
  });

  it.each([
    ["of no length", [0, -2]],
    ["of half a round", [0.5, 5]],
    ["that is not a number", [Number.NaN, 5]],
    ["of too few coordinates", [0, 4, 1, 1, 1, 1]],
    ["that is cut", [0, 5, 1, 1]],
    ["without a length", [0]],
  ])("is refused for a record of coordinates %s", (_what, numbers) => {
    const blocks = { kind: "blocks", directions: signs, blocks: [30, 20], count: 2 } as const;
    const of = { from: 0, to: 4, clients: 3 };
    const good = Float32Array.of(0, 5, 1, 1, 1, 1, 1);
    expect(continuedModel(blocks, models[0]!, { vectors: { log: good } }, of)).toHaveLength(50);
    const bad = { vectors: { log: Float32Array.from(numbers) } };
    expect(() => continuedModel(blocks, models[0]!, bad, of)).toThrow(refused);
  });
});
