import { describe, expect, it } from "vitest";
import { norm2 } from "../params/vector.ts";
import type { Stage, Update } from "../protocol/index.ts";
import { applyClientStages, applyServerStages, receiver } from "../protocol/stage.ts";
import { rootKey } from "../random/index.ts";
import { pipelineStages } from "./client-pipeline.ts";
import type { PipelineSettings, UploadCompression } from "./settings.ts";

const onClient = { scalars: {}, layouts: {}, keys: {} };
const buildStages = (stages: PipelineSettings) =>
  pipelineStages({ stages, float: "float64", upload: {}, codecs: {}, layoutHash: "h" });

const update = (): Update => ({
  round: 1,
  client: 2,
  layoutHash: "h",
  vectors: { delta: Float64Array.of(3, 0), control: Float64Array.of(0, 4) },
  public: { examples: 7, steps: 3, weight: 1, loss: 0.5 },
});

describe("the stages of a run", () => {
  it("weigh, then clip", () => {
    expect(buildStages({ weighting: "examples", clipNorm: 1 }).map(({ name }) => name)).toEqual([
      "weight",
      "clip",
      "message",
    ]);
    expect(buildStages({ weighting: "uniform", clipNorm: 0 }).map(({ name }) => name)).toEqual(["weight", "message"]);
  });

  it("weigh by examples or alike, and touch nothing else", () => {
    const weighed = applyClientStages(buildStages({ weighting: "examples", clipNorm: 0 }), update(), onClient);
    expect(weighed).toEqual({ ...update(), public: { ...update().public, weight: 7 } });
    expect(
      applyClientStages(buildStages({ weighting: "uniform", clipNorm: 0 }), update(), onClient).public.weight,
    ).toBe(1);
  });

  it("clip the norm over all vectors together, keep the direction, and leave what is within the bound", () => {
    const stages = buildStages({ weighting: "examples", clipNorm: 2.5 });
    const { vectors, public: metadata } = applyClientStages(stages, update(), onClient);
    expect(vectors).toEqual({ delta: Float64Array.of(1.5, 0), control: Float64Array.of(0, 2) }); // norm 5 before
    expect(metadata.weight).toBe(7);
    const within = applyClientStages(buildStages({ weighting: "uniform", clipNorm: 5 }), update(), onClient);
    expect(within.vectors).toEqual(update().vectors);
    const noisy = { ...update(), vectors: { delta: Float32Array.from({ length: 999 }, (_, i) => Math.sin(i) * 1e4) } };
    expect(norm2(applyClientStages(stages, noisy, onClient).vectors["delta"]!)).toBeLessThanOrEqual(2.5 * (1 + 1e-6));
  });
});

describe("an update beyond the clip norm", () => {
  const receive = (stages: PipelineSettings, vectors: Update["vectors"]) =>
    receiver(buildStages(stages).filter(({ name }) => name === "clip"))(
      { ...update(), vectors },
      { scalars: {}, part: undefined },
    );

  it("is refused where it arrives as it was trained", () => {
    const stages: PipelineSettings = { weighting: "uniform", clipNorm: 5 };
    expect(receive(stages, update().vectors)).toEqual(update());
    expect(receive(stages, { delta: Float64Array.of(3, 4.1) })).toMatchObject({ code: "update/clip" });
    expect(receive(stages, { delta: Float64Array.of(Number.NaN) })).toMatchObject({ code: "update/clip" });
    const noisy = Float32Array.from({ length: 99_999 }, (_, i) => Math.sin(i) * 1e4);
    const sent = applyClientStages(buildStages(stages), { ...update(), vectors: { delta: noisy } }, onClient);
    expect(receive(stages, sent.vectors)).toMatchObject({ client: 2 });
  });

  it("may be what compression made of one", () => {
    const compression: UploadCompression = {
      up: [{ name: "sign" }],
      scope: "model",
      feedback: "none",
      momentum: 0.9,
      nesterov: false,
      masking: true,
      vectors: ["delta"],
    };
    const stages: PipelineSettings = { weighting: "uniform", clipNorm: 1, compression };
    expect(receive(stages, update().vectors)).toEqual(update());
  });
});

describe("halves", () => {
  const calls: string[] = [];
  const stage = (name: string): Stage => ({
    name,
    client(u) {
      calls.push(`client ${name}`);
      return u;
    },
    receive(u) {
      calls.push(`receive ${name}`);
      return u.client === 9 ? { code: `update/${name}`, message: "wrong" } : u;
    },
    server({ vectors, state }) {
      calls.push(`server ${name}`);
      const renamed = Object.entries(vectors).map(([key, vector]) => [`${key}.${name}`, vector] as const);
      return { vectors: Object.fromEntries(renamed), state };
    },
  });

  it("run in order on clients and in reverse on the server; either may be absent", () => {
    const stages = [stage("a"), { name: "neither" }, stage("b")];
    applyClientStages(stages, update(), onClient);
    receiver(stages)(update(), { scalars: {}, part: undefined });
    const aggregate = { vectors: { x: Float64Array.of(1) }, state: {} };
    const onServer = { round: 1, scalars: {}, participants: 1, key: () => rootKey(0) };
    expect(Object.keys(applyServerStages(stages, aggregate, onServer).vectors)).toEqual(["x.b.a"]);
    expect(calls).toEqual(["client a", "client b", "receive b", "receive a", "server b", "server a"]);
  });

  it("end at the first thing that is wrong with an update", () => {
    const received = receiver([stage("a"), stage("b")])({ ...update(), client: 9 }, { scalars: {}, part: undefined });
    expect(received).toMatchObject({ code: "update/b" });
  });
});
