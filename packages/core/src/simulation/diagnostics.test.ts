import { AnabranchError, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { createAlgorithm } from "../algorithms/registry.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { DiagnosticsSettings } from "../metrics/settings.ts";
import { quadratic } from "../models/index.ts";
import { layout } from "../params/layout.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { type EventOf, type RunEvent, renderEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { parseEvent } from "../round/parse-event.ts";
import { runFederation } from "../round/run.ts";
import { resolveDiagnostics } from "./diagnostics.ts";
import { inProcessSimulation } from "./in-process.ts";
import type { PreparedRun } from "./prepare.ts";
import { openProbe } from "./probe.ts";
import { prepareQuadratics, type Quadratics } from "./quadratics.ts";

const problem: Quadratics = {
  a: [
    [1, 2],
    [3, 1],
    [0.5, 4],
  ],
  b: [
    [1, -1],
    [-1, 2],
    [2, 0],
  ],
  x0: [0, 0],
  learningRate: 0.1,
  localSteps: 2,
  cohorts: [
    [0, 1],
    [1, 2],
    [0, 2],
  ],
};

const off: DiagnosticsSettings = {
  every: 1,
  coherence: false,
  conditioning: false,
  preconditioners: false,
  clipping: false,
  compression: false,
  covered: true,
};

async function run(diagnostics: DiagnosticsSettings | undefined, given: Partial<Quadratics> = {}, name = "fedavg") {
  const executor = interpreter();
  const traced = prepareQuadratics(createAlgorithm(name, {}), { ...problem, ...given }, executor);
  const { plan } = traced;
  const task = { ...traced.simulation.task, measuresCompression: diagnostics?.compression === true };
  const simulation = { ...traced.simulation, task };
  const model = quadratic({ input: [2 * problem.x0.length], inputType: "float" });
  const prepared = { plan: { ...plan, diagnostics }, simulation, model } as PreparedRun;
  const { backend, evaluator } = await inProcessSimulation(simulation, executor);
  const events: RunEvent[] = [];
  const result = await runFederation(prepared.plan, {
    backend,
    evaluator,
    probe: await openProbe(prepared, executor),
    checkpoints: memoryBlobStore(),
    clientStates: memoryClientStates(),
    emit: (event) => void events.push(parseEvent(renderEvent(event))),
  });
  const measured = events.filter((event): event is EventOf<"diagnostics"> => event.type === "diagnostics");
  return { result, events, measured };
}

/** Local steps by plain loops: the update of a client that starts at x. */
function updateOf(client: number, x: readonly number[]): number[] {
  const y = [...x];
  for (let step = 0; step < problem.localSteps; step++) {
    for (let j = 0; j < y.length; j++) {
      y[j]! -= problem.learningRate * problem.a[client]![j]! * (y[j]! - problem.b[client]![j]!);
    }
  }
  return y.map((value, j) => value - x[j]!);
}

const size = (v: readonly number[]) => Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));

describe("diagnostics of a run", () => {
  it("change no bit of it", async () => {
    const all = { ...off, coherence: true, conditioning: true, flatness: { radius: 0.1, clients: 3, batch: 5 } };
    const without = await run(undefined);
    expect(without.measured).toEqual([]);
    expect((await run(all)).result.modelHash).toBe(without.result.modelHash);
  });

  it("look at the clients of the model of the round", async () => {
    const { result, measured } = await run({ ...off, flatness: { radius: 0.1, clients: 10, batch: 5 } });
    const x = [...result.parameters];
    const gradients = problem.a.map((a, i) => a.map((curvature, j) => curvature * (x[j]! - problem.b[i]![j]!)));
    const mean = x.map((_, j) => gradients.reduce((sum, gradient) => sum + gradient[j]! / 3, 0));
    const cosines = gradients.map(
      (gradient) => gradient.reduce((sum, g, j) => sum + g * mean[j]!, 0) / size(gradient) / size(mean),
    );
    const flatness = measured.at(-1)!.flatness!;
    expect(flatness.clients).toBe(3);
    expect(flatness.distance).toBeCloseTo(2 - (2 * cosines.reduce((a, b) => a + b, 0)) / 3, 10);
    // along a gradient g of curvatures a a quadratic rises by rho |g| + rho^2 / 2 sum_j a_j u_j^2
    const rise = (curvatures: readonly number[], g: readonly number[], u: readonly number[]) =>
      u.reduce((sum, uj, j) => sum + 0.1 * g[j]! * uj + (0.1 ** 2 / 2) * curvatures[j]! * uj * uj, 0);
    const unit = (v: readonly number[]) => v.map((value) => value / size(v));
    const local = gradients.reduce((sum, g, i) => sum + rise(problem.a[i]!, g, unit(g)) / 3, 0);
    const curvature = x.map((_, j) => problem.a.reduce((sum, a) => sum + a[j]! / 3, 0));
    expect(flatness.localSharpness).toBeCloseTo(local, 10);
    expect(flatness.globalSharpness).toBeCloseTo(rise(curvature, mean, unit(mean)), 10);
  });

  it("measure the coherence of the cohort's updates", async () => {
    const { measured } = await run({ ...off, coherence: true });
    const [one, two] = [updateOf(0, problem.x0), updateOf(1, problem.x0)];
    const mean = one.map((value, j) => (value + two[j]!) / 2);
    const expected = size(mean) ** 2 / ((size(one) ** 2 + size(two) ** 2) / 2);
    expect(measured[0]!.coherence!["delta"]).toBeCloseTo(expected, 12);
  });

  it("of a private simulation count clipped clients, and say that epsilon does not cover it", async () => {
    const norms = [0, 1].map((client) => size(updateOf(client, problem.x0)));
    const clipNorm = (norms[0]! + norms[1]!) / 2;
    const { measured } = await run({ ...off, clipping: true, covered: false }, { privacy: { clipNorm } }, "dp-fedavg");
    const { clipping, covered } = measured[0]!;
    expect(covered).toBe(false);
    expect(clipping).toMatchObject({ clients: 2, clipNorm, clippedShare: 0.5 });
    expect(clipping!.meanNorm).toBeCloseTo(clipNorm, 12);
  });

  it("compare what was compressed with what arrives", async () => {
    const settings = { scope: "model", momentum: 0, nesterov: false, masking: true, vectors: ["delta"] } as const;
    const compression = { ...settings, up: [{ name: "top-k", density: 0.5 } as const], feedback: "none" as const };
    const { measured, result } = await run({ ...off, compression: true }, { compression });
    expect(result.modelHash).toBe((await run(undefined, { compression })).result.modelHash);
    const errors = [0, 1].map((client) => {
      const sizes = updateOf(client, problem.x0).map(Math.abs);
      return Math.min(...sizes) / size(sizes);
    });
    // of two floats one is sent, in 8 bytes and one for its place
    const { error, cosine, ...counted } = measured[0]!.compression!;
    expect(counted).toEqual({ clients: 2, bytes: 9, plainBytes: 16 });
    expect(error).toBeCloseTo((errors[0]! + errors[1]!) / 2, 12);
    const cosines = errors.map((error) => Math.sqrt(1 - error ** 2));
    expect(cosine).toBeCloseTo((cosines[0]! + cosines[1]!) / 2, 12);
    const fed = await run({ ...off, compression: true }, { compression: { ...compression, feedback: "ef14" } });
    expect(fed.measured[0]!.compression).toEqual(measured[0]!.compression); // nothing was left out before
    expect(fed.measured[2]!.compression).not.toEqual(measured[2]!.compression);
  });

  it.each(["none", "ef21"] as const)("compare a broadcast with what clients train from, with %s", async (feedback) => {
    const settings = { operators: [{ name: "top-k", density: 0.5 }], scope: "model", vectors: ["parameters"] } as const;
    const { measured } = await run({ ...off, compression: true }, { down: { ...settings, feedback } });
    const steps = async (rounds: number) => {
      const cohorts = problem.cohorts.slice(0, rounds);
      return (await run(undefined, { cohorts, down: { ...settings, feedback } })).result.parameters;
    };
    const replica = Array.from(problem.x0);
    for (const [before, { round, broadcastCompression }] of measured.entries()) {
      const x = before === 0 ? problem.x0 : Array.from(await steps(before));
      const wanted = x.map((value, j) => value - (feedback === "none" ? 0 : replica[j]!));
      const kept = Math.abs(wanted[0]!) >= Math.abs(wanted[1]!) ? 0 : 1;
      const arrived = wanted.map((value, j) => (j === kept ? value : 0) + (feedback === "none" ? 0 : replica[j]!));
      for (const [j, value] of arrived.entries()) replica[j] = value;
      const distance = size(x.map((value, j) => value - arrived[j]!));
      expect([round, broadcastCompression!.error]).toEqual([
        before + 1,
        distance === 0 ? 0 : expect.closeTo(distance / size(x), 10),
      ]);
    }
    // one of two floats in 8 bytes and one for its place
    expect(measured.at(-1)!.broadcastCompression).toMatchObject({ bytes: 9, plainBytes: 16 });
    expect(measured.at(-1)!.broadcastCompression!.error).toBeGreaterThan(0);
  });

  it("are taken when they are due, and in the last round", async () => {
    const { measured } = await run({ ...off, every: 2, coherence: true });
    expect(measured.map(({ round }) => round)).toEqual([2, 3]);
    for (const { seconds, shareOfRound } of measured) expect(shareOfRound! >= 0 && seconds >= 0).toBe(true);
  });
});

describe("the diagnostics of a configuration", () => {
  const on = { coherence: true, preconditioners: true, clipping: true };
  const entry = (name: string) => ({ name, shape: [4, 3], role: "matrix", block: name }) as const;
  const model = layout([entry("first"), entry("second"), entry("third")]);

  function resolved(input: ConfigInput, stages: Partial<Parameters<typeof resolveDiagnostics>[1]["stages"]> = {}) {
    const config = resolveConfig({ ...input, diagnostics: { ...on, ...input.diagnostics } });
    const { name, file: _file, ...options } = config.algorithm;
    const algorithm = createAlgorithm(name, options);
    const payloads = algorithm.payloads(model);
    const parts = {
      algorithm,
      payloads,
      layout: model,
      stages: { weighting: "uniform", clipNorm: 0, ...stages } as const,
    };
    const { settings, warnings, energy } = resolveDiagnostics(config, parts);
    return { settings, reasons: warnings.map(({ message }) => message).join(" "), energy };
  }

  it("are none by default", () => {
    const algorithm = createAlgorithm("fedavg", {});
    const parts = { algorithm, payloads: algorithm.payloads(model), layout: model };
    const stages = { weighting: "uniform", clipNorm: 0 } as const;
    const none = resolveDiagnostics(resolveConfig({}), { ...parts, stages });
    expect(none).toEqual({ settings: undefined, warnings: [], energy: {} });
  });

  it.each([
    ["fedavg", {}, { coherence: true, preconditioners: false, clipping: false }, /no preconditioner/],
    ["fedavg", { clipNorm: 1 }, { coherence: true, preconditioners: false, clipping: true }, /no preconditioner/],
    ["fedadamw", {}, { coherence: true, preconditioners: false, clipping: false }, /not clipped/],
    ["fedbcgd", {}, { coherence: false }, /parts of the model/],
  ])("of %s with %j are those that can be measured, with reasons for the rest", (name, stages, expected, reason) => {
    const { settings, reasons } = resolved({ algorithm: { name } }, stages);
    expect(settings ?? { coherence: false }).toMatchObject(expected);
    expect(reasons).toMatch(reason);
  });

  it("are by blocks where clients send a preconditioner of the model's shape", () => {
    const { settings } = resolved({ algorithm: { name: "fedadamw", blocks: "coordinate" } });
    expect(settings).toMatchObject({ preconditioners: true });
  });

  it("leave out what secure sums hide", () => {
    const secure = { kind: "any" } as never;
    const { settings, reasons } = resolved({}, { secureAggregation: secure });
    expect(settings).toBeUndefined();
    expect(reasons).toMatch(/coherence is left out: secure aggregation/);
  });

  it("declare energy", () => {
    const { energy } = resolved({ diagnostics: { joulesPerByte: 1e-6, joulesPerFlop: 1e-11 } });
    expect(energy).toEqual({ joulesPerByte: 1e-6, joulesPerFlop: 1e-11 });
    expect(() => resolveConfig({ diagnostics: { every: 0 } })).toThrow(AnabranchError);
  });
});
