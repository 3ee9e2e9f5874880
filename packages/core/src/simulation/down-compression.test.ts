import { describe, expect, it } from "vitest";
import { fedavg } from "../algorithms/fedavg.ts";
import type { CompressionLink } from "../compression/index.ts";
import { resolveConfig } from "../config/index.ts";
import { layout } from "../params/layout.ts";
import type { DownCompression } from "../pipeline/index.ts";
import type { RunEvent } from "../round/events.ts";
import { configuredDown } from "./compression.ts";
import { traceFederation } from "./trace-federation.ts";

const d = 40;
const row = (seed: number) => Array.from({ length: d }, (_, j) => 1 + ((seed * 7 + j * 3) % 5) / 2);
const centre = (seed: number) => Array.from({ length: d }, (_, j) => ((seed * 5 + j * 11) % 7) - 3);
const a = [row(1), row(2), row(3)];
const b = [centre(1), centre(2), centre(3)];
const everyone = [0, 1, 2];
const top: CompressionLink[] = [{ name: "top-k", density: 0.1 }];

function problem(down: Partial<DownCompression> | undefined, cohorts: number[][]) {
  const settings = { operators: top, scope: "model", feedback: "none", vectors: ["parameters"], ...down } as const;
  const x0 = Array.from({ length: d }, () => 4);
  return { a, b, x0, learningRate: 0.1, localSteps: 1, cohorts, ...(down === undefined ? {} : { down: settings }) };
}

const rounds = (n: number) => Array.from({ length: n }, () => everyone);

const minimum = a[0]!.map((_, j) => {
  const curvature = everyone.reduce((sum, i) => sum + a[i]![j]!, 0);
  return everyone.reduce((sum, i) => sum + a[i]![j]! * b[i]![j]!, 0) / curvature;
});
const away = (x: readonly number[]) => Math.max(...x.map((value, j) => Math.abs(value - minimum[j]!)));

/** Bytes down of each round. */
async function bytesDown(down: Partial<DownCompression> | undefined, cohorts: number[][]): Promise<number[]> {
  const bytes: number[] = [];
  const onEvent = (event: RunEvent) => {
    if (event.type === "round.finished") bytes.push(event.bytesDown);
  };
  await traceFederation(fedavg({}), problem(down, cohorts), { onEvent });
  return bytes;
}

describe("compressed broadcasts", () => {
  it("without feedback start clients from the largest entries of the model", async () => {
    const { rounds: trace } = await traceFederation(fedavg({}), problem({}, [everyone]));
    // all of x0 are 4: of equal entries the first four are kept, and clients start from zero elsewhere
    const expected = a[0]!.map((_, j) => {
      const start = j < 4 ? 4 : 0;
      const steps = everyone.map((i) => -0.1 * a[i]![j]! * (start - b[i]![j]!));
      return 4 + steps.reduce((sum, step) => sum + step, 0) / 3;
    });
    trace[0]!.forEach((value, j) => void expect(value).toBeCloseTo(expected[j]!, 12));
  });

  it("with a replica reach the minimum that they miss without", async () => {
    const replica = await traceFederation(fedavg({}), problem({ feedback: "ef21" }, rounds(400)));
    expect(away(replica.rounds.at(-1)!)).toBeLessThan(1e-6);
    const masked = await traceFederation(fedavg({}), problem({}, rounds(400)));
    expect(away(masked.rounds.at(-1)!)).toBeGreaterThan(0.05);
  });

  it("that keep everything change nothing", async () => {
    const operators: CompressionLink[] = [{ name: "top-k", density: 1 }];
    const plain = await traceFederation(fedavg({}), problem(undefined, rounds(4)));
    expect((await traceFederation(fedavg({}), problem({ operators }, rounds(4)))).rounds).toEqual(plain.rounds);
    const { rounds: replica } = await traceFederation(fedavg({}), problem({ operators, feedback: "ef21" }, rounds(4)));
    for (const [r, x] of replica.entries()) {
      for (const [j, value] of x.entries()) expect(value).toBeCloseTo(plain.rounds[r]![j]!, 12);
    }
  });

  it("send the replica whole to those who missed the round before, and only to them", async () => {
    const cohorts = [everyone, [0, 1], everyone, everyone];
    const whole = await bytesDown(undefined, cohorts);
    const bytes = await bytesDown({ feedback: "ef21" }, cohorts);
    expect(bytes[0]).toBe(whole[0]);
    expect(bytes[1]! / 2).toBeLessThan(0.7 * (whole[1]! / 2));
    expect(bytes[2]).toBe(bytes[1]! + whole[2]! / 3);
    expect(bytes[3]).toBe((bytes[1]! / 2) * 3);
  });

  it("give the same model whichever message a client gets", async () => {
    // client 2 is sent the replica whole in round 3, the others a change
    const quiet = [everyone, [0, 1], everyone];
    const first = await traceFederation(fedavg({}), problem({ feedback: "ef21" }, quiet));
    const again = await traceFederation(fedavg({}), problem({ feedback: "ef21" }, quiet));
    expect(again.rounds).toEqual(first.rounds);
    const kept = first.clients.at(-1)!;
    for (const client of everyone) {
      expect(kept.get(client)!["compression/down/parameters"]).toEqual(kept.get(0)!["compression/down/parameters"]);
      expect(Array.from(kept.get(client)!["compression/down/version"]!)).toEqual([3]);
    }
  });
});

describe("what is refused of compressed broadcasts", () => {
  const settings = (config: object, algorithm = fedavg({})) => {
    const payloads = algorithm.payloads(layout([{ name: "x", shape: [4], role: "vector", block: "x" }]));
    return () => configuredDown(resolveConfig({ rounds: 1, ...config }), { algorithm, payloads });
  };

  it("is nothing without operators", () => {
    expect(settings({})()).toBeUndefined();
    expect(settings({ compression: { down: ["top-k density=0.5"] } })()).toMatchObject({ feedback: "none" });
  });

  it("are operators that are not contractive, with a replica", () => {
    const compression = { down: ["qsgd levels=4"], downFeedback: "ef21" };
    expect(settings({ compression })).toThrow(expect.objectContaining({ code: "compression/feedback" }));
  });

  it("are operators that cannot be read, by the key that has them", () => {
    expect(settings({ compression: { down: ["top"] } })).toThrow(/\(compression\.down\)/);
  });

  it("are replicas of clients that do not wait for each other", () => {
    const compression = { down: ["top-k density=0.5"], downFeedback: "ef21" };
    const schedule = { name: "buffered" };
    expect(settings({ compression, schedule })).toThrow(expect.objectContaining({ code: "config/conflict" }));
  });
});
