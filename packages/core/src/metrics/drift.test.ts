import { describe, expect, it } from "vitest";
import { traceQuadratics } from "../simulation/trace-quadratics.ts";
import { DriftMeter } from "./drift.ts";

describe("drift", () => {
  it("is the mean squared distance from the mean", () => {
    const meter = new DriftMeter();
    // (1, 2), (3, 6), (5, 1): mean (3, 3), squared distances 5, 9, 8
    meter.add([Float64Array.of(1, 2), Float64Array.of(3, 6)]);
    meter.add([Float64Array.of(5, 1)]);
    const { absolute, relative } = meter.of(Float64Array.of(3, 3));
    expect(absolute).toBeCloseTo(22 / 3, 12);
    expect(relative).toBeCloseTo(22 / 3 / 18, 12);
  });

  it("is 0 for equal vectors and for zeros, and starts again", () => {
    const meter = new DriftMeter();
    meter.add([Float64Array.of(0.1, 0.2)]);
    meter.reset();
    meter.add([Float64Array.of(3, 4), Float64Array.of(3, 4)]);
    expect(meter.of(Float64Array.of(3, 4))).toEqual({ absolute: 0, relative: 0 });
    meter.reset();
    meter.add([new Float64Array(2)]);
    expect(meter.of(new Float64Array(2))).toEqual({ absolute: 0, relative: 0 });
  });
});

describe("the drift of preconditioners", () => {
  const unlike = {
    a: [
      [1, 2, 1],
      [3, 1, 2],
    ],
    b: [
      [1, -1, 0.5],
      [-1, 2, 1],
    ],
    x0: [0, 0, 0],
    learningRate: 0.01,
    localSteps: 3,
    cohorts: [
      [0, 1],
      [0, 1],
      [0, 1],
      [0, 1],
    ],
  };
  const drifts = async (options: object, problem = unlike) =>
    (await traceQuadratics({ ...problem, algorithm: { name: "fedpac", optimizer: "adamw", ...options } })).drifts.map(
      (drift) => drift["preconditioner"]!.relative,
    );

  it("is logged every round, falls with alignment, and is 0 where clients are alike", async () => {
    const aligned = await drifts({ directionShare: 0 });
    const apart = await drifts({ directionShare: 0, alignment: false });
    expect(aligned.length).toBe(4);
    expect(aligned[0]).toBeCloseTo(apart[0]!, 12);
    expect(aligned[3]).toBeLessThan(0.2 * apart[3]!);
    const alike = { ...unlike, a: [unlike.a[0]!, unlike.a[0]!], b: [unlike.b[0]!, unlike.b[0]!] };
    for (const drift of await drifts({}, alike)) expect(drift).toBeLessThan(1e-12);
  });

  it("is measured without a change where clients start from their own", async () => {
    const fedpac = { name: "fedpac", optimizer: "adamw", directionShare: 0, alignment: false };
    const measured = await traceQuadratics({ ...unlike, algorithm: fedpac });
    const local = await traceQuadratics({ ...unlike, algorithm: { name: "local", optimizer: "adamw" } });
    expect(measured.rounds).toEqual(local.rounds);
  });
});
