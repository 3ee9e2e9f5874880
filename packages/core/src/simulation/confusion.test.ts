import { describe, expect, it } from "vitest";
import { simulateSmall, smallSimulation } from "../conformance/small-live-run.ts";
import { confusionDirection } from "../heterogeneity/index.ts";
import {
  dot,
  type Example,
  examplesOf,
  lossOf,
  prepare,
  probabilities,
  rounds,
  slope,
} from "./testing/logistic-by-hand.ts";

const classes = [0, 1, 2];

/** sigmoid(z_i - z_j) of an example of class j under a logistic model. */
function gates({ inputs, label }: Example, x: readonly number[]): number[] {
  const logits = classes.map((c) => inputs.reduce((sum, input, i) => sum + input * x[3 * i + c]!, 0));
  return logits.map((z) => 1 / (1 + Math.exp(logits[label]! - z)));
}

/** Row i, column j: sums over examples of class j of what they look like, with gates of the parameters `held`. */
function table(examples: readonly Example[], x: readonly number[], held: readonly number[]): number[][] {
  return classes.map((i) =>
    classes.map((j) => {
      const of = examples.filter(({ label }) => label === j && i !== j);
      return of.reduce((sum, one) => sum + gates(one, held)[i]! * probabilities(one, x)[i]!, 0);
    }),
  );
}

const countsOf = (examples: readonly Example[]) =>
  classes.map((c) => examples.filter(({ label }) => label === c).length);

/** |C diag(w)|_2 by many steps of the power method on the weighted matrix. */
function spectralNorm(sums: readonly (readonly number[])[], counts: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  const roots = counts.map((count) => 1 / Math.sqrt(count / total + 0.2));
  const mean = roots.reduce((a, b) => a + b, 0) / 3;
  const a = sums.map((row) => row.map((value, j) => (counts[j] === 0 ? 0 : ((value / counts[j]!) * roots[j]!) / mean)));
  let v = [1, 1, 1];
  for (let step = 0; step < 2000; step++) {
    const up = a.map((row) => dot(row, v));
    const back = classes.map((j) => a.reduce((sum, row, i) => sum + row[j]! * up[i]!, 0));
    v = back.map((value) => value / Math.sqrt(dot(back, back)));
  }
  const up = a.map((row) => dot(row, v));
  return Math.sqrt(dot(up, up));
}

describe("confusionDirection", () => {
  it("is the gradient of the spectral norm of the weighted matrix", () => {
    const sums = [
      [0, 0.4, 1.1],
      [0.9, 0, 0.2],
      [0.3, 0.7, 0],
    ];
    const counts = [7, 2, 4];
    const flat = sums.flat();
    const of = (c: readonly number[]) =>
      spectralNorm(
        [0, 1, 2].map((i) => [0, 1, 2].map((j) => c[3 * i + j]! * counts[j]!)),
        counts,
      );
    const expected = slope(
      of,
      flat.map((value, k) => value / counts[k % 3]!),
      1e-6,
    );
    expect(Array.from(confusionDirection(flat, counts))).toEqual(expected.map((x) => expect.closeTo(x, 7)));
  });

  it("is zero where nothing is confused, or seen", () => {
    expect(Array.from(confusionDirection([0, 0, 0, 0], [3, 1]))).toEqual([0, 0, 0, 0]);
    expect(Array.from(confusionDirection([0, 5, 0, 0], [3, 0]))).toEqual([0, 0, 0, 0]);
  });
});

describe("runs that penalise confusion", () => {
  it("take the step of the penalty by hand, with the direction of the round before", async () => {
    const strength = 0.8;
    const prepared = prepare({ rounds: 2, training: { loss: { confusion: strength } } });
    const [first, second] = await rounds(prepared);
    const start = Array.from(prepared.plan.initial);
    const clients = examplesOf(prepared);
    const all = clients.flat();
    const plain = clients.map((examples) => slope(lossOf(examples), start, 1e-5));
    expect(first).toEqual(start.map((x, k) => expect.closeTo(x - 0.25 * (plain[0]![k]! + plain[1]![k]!), 7)));
    const direction = confusionDirection(table(all, start, start).flat(), countsOf(all));
    const objective = (examples: readonly Example[]) => (x: readonly number[]) => {
      const counts = countsOf(examples);
      const matrix = table(examples, x, first!).flatMap((row) => row.map((sum, j) => sum / Math.max(counts[j]!, 1)));
      return lossOf(examples)(x) + strength * dot(matrix, Array.from(direction));
    };
    const slopes = clients.map((examples) => slope(objective(examples), first!, 1e-5));
    const expected = first!.map((x, k) => x - 0.25 * (slopes[0]![k]! + slopes[1]![k]!));
    expect(second).toEqual(expected.map((x) => expect.closeTo(x, 7)));
  });

  it("are plain runs at strength 0", async () => {
    const [plain, off] = [prepare({ rounds: 2 }), prepare({ rounds: 2, training: { loss: { confusion: 0 } } })];
    expect(off.plan.configHash).toBe(plain.plan.configHash);
    expect(await rounds(off)).toEqual(await rounds(plain));
  });

  it.each(["fedadam", "scaffold"])("work with %s, an adjusted loss and aligned gradients", async (name) => {
    const loss = { confusion: 0.3, adjustment: "global", margin: 0.1 } as const;
    const training = { batchSize: 4, localSteps: 2, learningRate: 0.1, loss, alignment: { gradient: 1 } };
    const { prepared } = smallSimulation({ name }, { training });
    const { stopped, parameters } = await simulateSmall(prepared);
    expect(stopped).toBe("finished");
    expect(Array.from(parameters).every(Number.isFinite)).toBe(true);
  });

  it("are refused where sums over the cohort would be forged or reveal a client", () => {
    const training = { batchSize: 4, localSteps: 1, loss: { confusion: 1 } };
    const sums = { secureAggregation: { protocol: "plain", range: 1 } } as const;
    expect(() => smallSimulation({ name: "fedavg" }, { training, ...sums })).toThrow(
      /training.loss.confusion.*beside/s,
    );
    expect(() => smallSimulation({ name: "fedavg" }, { training, aggregation: { rule: "median" } })).toThrow(
      /compare the statistics/,
    );
  });
});
