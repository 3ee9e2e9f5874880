import { describe, expect, it } from "vitest";
import type { ConfigInput } from "../config/index.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import type { ArrayDataset } from "../data/index.ts";
import { calibratedHead, statisticsOf } from "../heterogeneity/index.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { examplesOf, prepare, rounds } from "./testing/logistic-by-hand.ts";

const settings = { samples: 5, steps: 7, learningRate: 0.3 };

/** Class 2 is not there. */
const points = (): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [20, 2], data: Float32Array.from({ length: 40 }, (_, i) => 2 * Math.sin(i * i)) },
  labels: { dtype: "uint8", shape: [20], data: Uint8Array.from({ length: 20 }, (_, i) => (i % 3 === 0 ? 1 : 0)) },
  classes: 3,
});

describe("calibratedHead", () => {
  const known = [statisticsOf([[1, 2]]), undefined, statisticsOf([[0, -1]])];

  it("descends the cross-entropy of means, where classes do not vary, over the classes with statistics", () => {
    const head = { weight: [0.1, 9, -0.2, 0.3, 9, 0.4], bias: [0.5, 9, -0.5] };
    const once = { samples: 3, steps: 1, learningRate: 0.7 };
    const { weight, bias } = calibratedHead(head, known, once, rootKey(1));
    const features = [
      [1, 2],
      [0, -1],
    ];
    const slopes = features.map(([a, b], own) => {
      const logits = [0, 2].map((c) => a! * head.weight[c]! + b! * head.weight[3 + c]! + head.bias[c]!);
      const powers = logits.map(Math.exp);
      return powers.map((power, k) => (power / (powers[0]! + powers[1]!) - (k === own ? 1 : 0)) / 2);
    });
    const step = (k: number, of: (row: readonly number[]) => number) =>
      0.7 * features.reduce((sum, row, own) => sum + slopes[own]![k]! * of(row), 0);
    const expected = [0, 1].flatMap((i) => [
      head.weight[3 * i]! - step(0, (row) => row[i]!),
      9,
      head.weight[3 * i + 2]! - step(1, (row) => row[i]!),
    ]);
    expect(Array.from(weight)).toEqual(expected.map((x) => expect.closeTo(x, 12)));
    const offsets = [0.5 - step(0, () => 1), 9, -0.5 - step(1, () => 1)];
    expect(Array.from(bias)).toEqual(offsets.map((x) => expect.closeTo(x, 12)));
  });

  it("draws the same features from the same key, and leaves a head alone without any statistics", () => {
    const head = { weight: [1, 2, 3, 4, 5, 6], bias: [1, 2, 3] };
    const wide = [
      statisticsOf([
        [1, 2],
        [3, 1],
      ]),
      undefined,
      statisticsOf([
        [0, -1],
        [1, 1],
      ]),
    ];
    const of = (key: number) => Array.from(calibratedHead(head, wide, settings, rootKey(key)).weight);
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
    const { weight, bias } = calibratedHead(head, [undefined, undefined, undefined], settings, rootKey(1));
    expect([...weight, ...bias]).toEqual([...head.weight, ...head.bias]);
  });
});

describe("runs with calibration", () => {
  it("retrain the head in the last round on features by the statistics of all clients, and do nothing else in it", async () => {
    const calibrated = prepare({ rounds: 4, seed: 9, training: { calibration: settings } }, points());
    const plain = prepare({ rounds: 3, seed: 9 }, points());
    const [all, three] = [await rounds(calibrated), await rounds(plain)];
    const [before, after] = [all[2]!, all[3]!];
    expect(before).toEqual(three[2]!.map((x) => expect.closeTo(x, 12)));
    const examples = examplesOf(calibrated).flat();
    const byClass = [0, 1, 2].map((c) =>
      examples.filter(({ label }) => label === c).map(({ inputs }) => inputs.slice(1)),
    );
    const statistics = byClass.map((rows) => (rows.length === 0 ? undefined : statisticsOf(rows)));
    expect(statistics[2]).toBeUndefined();
    const head = { bias: before.slice(0, 3), weight: before.slice(3) };
    const key = deriveKey(rootKey(9), "calibration");
    const { weight, bias } = calibratedHead(head, statistics, settings, key);
    expect(after).toEqual([...bias, ...weight].map((x) => expect.closeTo(x, 9)));
  });

  it("keep the layers before the head, and send statistics in the last round alone", async () => {
    const { prepared } = smallSimulation({ name: "fedadam" }, { training: small() });
    const plain = smallSimulation(
      { name: "fedadam" },
      { rounds: 3, training: { ...small(), calibration: {} } },
    ).prepared;
    const [ours, theirs] = [await simulateSmall(prepared), await simulateSmall(plain)];
    for (const { role, offset, size, name } of prepared.plan.layout.entries) {
      const [a, b] = [ours, theirs].map(({ parameters }) => Array.from(parameters.subarray(offset, offset + size)));
      if (role === "head") expect(a, name).not.toEqual(b);
      else expect(a, name).toEqual(b!.map((x) => expect.closeTo(x, 12)));
    }
    const { parts } = prepared.plan.payloads;
    expect(parts!.map((part) => [part["delta"]!.size, part["classes"]!.size])).toEqual([
      [prepared.plan.layout.size, 0],
      [0, 3 * (1 + 2 + 3)],
    ]);
  });

  it("are plain runs without samples", async () => {
    const [plain, off] = [prepare({ rounds: 2 }), prepare({ rounds: 2, training: { calibration: { samples: 0 } } })];
    expect(off.plan.configHash).toBe(plain.plan.configHash);
    expect(await rounds(off)).toEqual(await rounds(plain));
  });

  it("work beside aligned gradients and repeated examples", async () => {
    const more = { alignment: { gradient: 1 }, upSampling: { rounds: 1, minimumClass: 2 } };
    const { prepared } = smallSimulation({ name: "fedavg" }, { training: { ...small(), ...more } });
    expect((await simulateSmall(prepared)).stopped).toBe("finished");
  });

  const small = () => ({ batchSize: 4, localSteps: 2, learningRate: 0.1, calibration: settings });

  it.each<[string, ConfigInput["algorithm"], ConfigInput, RegExp]>([
    ["sums", { name: "fedavg" }, { secureAggregation: { protocol: "plain", range: 1 } }, /beside the sum/],
    [
      "noise",
      { name: "dp-fedavg" },
      { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } },
      /Epsilon/,
    ],
    [
      "lossy statistics",
      { name: "fedavg" },
      { compression: { up: ["top-k density=0.1"], vectors: ["classes"] } },
      /Statistics travel as they are/,
    ],
    ["clipped updates", { name: "fedavg" }, { aggregation: { clipNorm: 1 } }, /norm would be that of the statistics/],
    ["parts", { name: "fedbcgd", blocks: 2 }, {}, /one whole model/],
    ["personal heads", { name: "fedper" }, {}, /shared linear head/],
    ["robust rules", { name: "fedavg" }, { aggregation: { rule: "median" } }, /aggregation.rule/],
    ["an early end", { name: "fedavg" }, { stop: { patience: 1 } }, /early end/],
    ["one round", { name: "fedavg" }, { rounds: 1 }, /rounds = 1/],
  ])("are refused with %s", (_name, algorithm, more, message) => {
    expect(() => smallSimulation(algorithm, { ...more, training: small() })).toThrow(message);
  });

  it("are refused in live runs", () => {
    expect(() => smallRun({ name: "fedavg" }, { training: small() })).toThrow(/training.calibration.*live/s);
  });
});
