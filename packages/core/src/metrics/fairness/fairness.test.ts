import { describe, expect, it } from "vitest";
import { decomposeDisparity, disparity, fairnessLimit, type Joint } from "./index.ts";

/** P(Z=1|S=1) = P(Z=0|S=0) = a, P(Y=1|Z=1) = 0.8, P(Y=1|Z=0) = 0.3, P(S) = 1/2, as [s][z][y]. */
const twoClients = (a: number): Joint =>
  [0, 1].map((s) =>
    [0.3, 0.8].map((positive, z) => {
      const share = (z === s ? a : 1 - a) / 2;
      return [share * (1 - positive), share * positive];
    }),
  );

describe("disparity", () => {
  it("is one bit where the prediction is the group, and nothing where it is a constant", () => {
    expect(
      disparity([
        [
          [3, 0],
          [0, 3],
        ],
      ]),
    ).toEqual({ global: 1, local: 1 });
    expect(
      disparity([
        [
          [3, 0],
          [3, 0],
        ],
        [
          [1, 0],
          [2, 0],
        ],
      ]),
    ).toEqual({ global: 0, local: 0 });
  });
});

describe("decomposeDisparity, by its canonical cases", () => {
  it.each<[string, Joint, object]>([
    [
      "unique: the prediction is the group",
      [
        [
          [1, 0],
          [0, 1],
        ],
        [
          [1, 0],
          [0, 1],
        ],
      ],
      { unique: 1, redundant: 0, masked: 0 },
    ],
    [
      "redundant: the client is the group",
      [
        [
          [1, 0],
          [0, 0],
        ],
        [
          [0, 0],
          [0, 1],
        ],
      ],
      { unique: 0, redundant: 1, masked: 0 },
    ],
    [
      "masked: the group is hidden in both",
      [
        [
          [1, 0],
          [0, 1],
        ],
        [
          [0, 1],
          [1, 0],
        ],
      ],
      { unique: 0, redundant: 0, masked: 1 },
    ],
  ])("%s", (_, joint, expected) => {
    const got = decomposeDisparity(joint);
    for (const [part, value] of Object.entries(expected)) expect(got[part as "unique"]).toBeCloseTo(value, 6);
    expect(got.unique + got.redundant).toBeCloseTo(got.global, 12);
    expect(got.unique + got.masked).toBeCloseTo(got.local, 12);
  });
});

describe("fairnessLimit", () => {
  it.each<[number, number, number, number]>([
    [0.5, 1, 1, 1],
    [0.5, 0, 1, 0.75],
    [0.5, 1, 0, 0.75],
    [0.5, 0.05, 0.05, 0.8809],
    [0.75, 0, 1, 0.75],
    [0.75, 1, 0, 0.875],
    [0.95, 1, 0, 0.975],
  ])("a = %s, limits %s and %s bits: %s", (a, globalLimit, localLimit, accuracy) => {
    expect(fairnessLimit(twoClients(a), { globalLimit, localLimit })).toBeCloseTo(accuracy, 4);
  });

  it("is at least the accuracy of any decision at its own disparities", () => {
    const distribution: Joint = [
      [
        [3, 1],
        [2, 4],
        [1, 1],
      ],
      [
        [2, 2],
        [5, 1],
        [1, 3],
      ],
      [
        [1, 4],
        [1, 1],
        [2, 2],
      ],
    ];
    const total = distribution.flat(2).reduce((sum, value) => sum + value, 0);
    for (let choice = 0; choice < 12; choice++) {
      const positive = (s: number, z: number, y: number) => ((s * 5 + z * 3 + y * 7 + choice * 11) % 10) / 9;
      const predicted = distribution.map((client, s) =>
        client.map((row, z) => {
          const ones = row.reduce((sum, count, y) => sum + count * positive(s, z, y), 0);
          return [row.reduce((sum, count) => sum + count, 0) - ones, ones];
        }),
      );
      const { global, local } = disparity(predicted);
      const right = distribution.flatMap((client, s) =>
        client.map(([no, yes], z) => no! * (1 - positive(s, z, 0)) + yes! * positive(s, z, 1)),
      );
      const accuracy = right.reduce((sum, value) => sum + value, 0) / total;
      const limit = fairnessLimit(distribution, { globalLimit: global, localLimit: local });
      expect(limit).toBeGreaterThanOrEqual(accuracy - 1e-6);
    }
  });
});
