import { constant, evaluate } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { highestScores, noSensitivity, observeSensitivity, sensitivityScores, tripletScores } from "./sensitivity.ts";
import { observed, SMOOTHING, tracedTriplets, unseen } from "./traced-scores.ts";

const wave = (length: number, seed: number) => Array.from({ length }, (_, i) => Math.sin(2.3 * i + 1.7 * seed));

describe("scores of adapters in a client's steps", () => {
  it("are those of AdaLoRA, of Lambda = 1", () => {
    const pairs = [{ weight: "w", a: "a", b: "b" }];
    const [inputs, outputs, rank] = [4, 3, 2];
    const tensors = (seed: number) => ({
      a: constant(wave(inputs * rank, seed), [inputs, rank]),
      b: constant(wave(rank * outputs, seed + 1), [rank, outputs]),
    });
    let traced = unseen(pairs, tensors(0));
    let host = noSensitivity(outputs * rank + rank + rank * inputs);
    // P [o, r] = B^T, Lambda = 1, Q [r, i] = A^T
    const laidOut = (seed: number, lambda: readonly number[]) => {
      const [a, b] = [wave(inputs * rank, seed), wave(rank * outputs, seed + 1)];
      const p = Array.from({ length: outputs * rank }, (_, k) => b[(k % rank) * outputs + Math.floor(k / rank)]!);
      const q = Array.from({ length: rank * inputs }, (_, k) => a[(k % inputs) * rank + Math.floor(k / inputs)]!);
      return [...p, ...lambda, ...q];
    };
    for (const step of [1, 2, 3]) {
      const [at, slope] = [10 * step, 10 * step + 5];
      traced = observed(pairs, traced, tensors(at), tensors(slope));
      const [b, gb] = [wave(rank * outputs, at + 1), wave(rank * outputs, slope + 1)];
      const ofLambda = [0, 1].map((j) =>
        [0, 1, 2].reduce((sum, o) => sum + b[j * outputs + o]! * gb[j * outputs + o]!, 0),
      );
      host = observeSensitivity(host, laidOut(at, [1, 1]), laidOut(slope, ofLambda), SMOOTHING);
    }
    const expected = tripletScores(sensitivityScores(host), { outputs, inputs, rank });
    const found = Array.from(evaluate(tracedTriplets(pairs, traced)["w"]!).data);
    expect(found).toEqual(expected.map((score) => expect.closeTo(score, 12)));
    expect(Math.min(...found)).toBeGreaterThan(0);
  });

  it("have the places of kernels of convolutions", () => {
    const pairs = [{ weight: "w", a: "a", b: "b" }];
    const [r, inputs, size, outputs] = [2, 3, 2, 4];
    const kernel = (seed: number) => ({
      a: constant(wave(r * inputs * size * size, seed), [r, inputs, size, size]),
      b: constant(wave(outputs * r, seed + 1), [outputs, r, 1, 1]),
    });
    const flat = (seed: number) => {
      const [a, b] = [wave(r * inputs * size * size, seed), wave(outputs * r, seed + 1)];
      const width = inputs * size * size;
      return {
        a: constant(
          Array.from(a, (_, k) => a[(k % r) * width + Math.floor(k / r)]!),
          [width, r],
        ),
        b: constant(
          Array.from(b, (_, k) => b[(k % outputs) * r + Math.floor(k / outputs)]!),
          [r, outputs],
        ),
      };
    };
    const [conv, dense] = [kernel, flat].map((make) => {
      const seen = observed(pairs, observed(pairs, unseen(pairs, make(0)), make(3), make(4)), make(5), make(6));
      return Array.from(evaluate(tracedTriplets(pairs, seen)["w"]!).data);
    });
    expect(conv).toEqual(dense!.map((score) => expect.closeTo(score, 12)));
  });

  it("are highest for the earlier of equal weights", () => {
    expect(highestScores([1, 1, 1], 2)).toEqual([0, 1]);
    expect(highestScores([0, 3, 2, 3], 3)).toEqual([1, 2, 3]);
  });
});
