import { describe, expect, it } from "vitest";
import { reward } from "./bandit.ts";
import { matrixOf } from "./matrix.ts";
import { choicesOfClients, learnedChoices, untried } from "./spine-controller.ts";
import { unitImportance } from "./unit-importance.ts";

/** Numbers in [0, 1) from a linear congruence. */
function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

describe("choices of clients", () => {
  it("try everything once before anything twice, class by class", () => {
    expect(choicesOfClients(untried(2, 3), 8, 0.5)).toEqual([0, 0, 1, 1, 2, 2, 0, 0]);
    const known = [
      { means: [0.9, 0.1, 0], counts: [3, 5, 0] },
      { means: [0.1, 0.9, 0], counts: [9, 9, 9] },
    ];
    expect(choicesOfClients(known, 4, 0)).toEqual([2, 1, 0, 1]);
  });

  it("cost less and less on rewards that stay the same: regret falls", () => {
    const means = [0.2, 0.5, 0.8, 0.4, 0.1, 0.6];
    const next = uniforms(7);
    let known = untried(1, means.length);
    const regret: number[] = [];
    for (let round = 0; round < 3000; round++) {
      const [cell] = choicesOfClients(known, 1, 0.1);
      regret.push(0.8 - means[cell!]!);
      known = [reward(known[0]!, cell!, means[cell!]! + 0.2 * (next() - 0.5))];
    }
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(regret.slice(0, 100))).toBeGreaterThan(0.05);
    expect(mean(regret.slice(-1000))).toBeLessThan(0.01);
  });

  it("learn which cell is fast and lowers the loss", () => {
    let known = untried(2, 2);
    for (let round = 0; round < 40; round++) {
      const cells = choicesOfClients(known, 4, 0.5);
      // on the second class cell 0 is slow, and on the first it lowers the loss the most
      const outcomes = cells.map((cell, client) => ({
        ...{ client, cell },
        gain: cell === 0 ? 1 : 0.5,
        time: client % 2 === 1 && cell === 0 ? 20 : 1,
      }));
      known = learnedChoices(known, outcomes, 1);
    }
    const best = known.map(({ counts }) => counts.indexOf(Math.max(...counts)));
    expect(best).toEqual([0, 1]);
  });

  it("are standardized over the cohort, and count nothing where all are alike", () => {
    const outcome = (cell: number, gain: number, time: number) => ({ client: 0, cell, gain, time });
    const outcomes = [outcome(0, 1, 5), outcome(1, 3, 9)];
    expect(learnedChoices(untried(1, 2), outcomes, 0.25)[0]).toEqual({ means: [-0.75, 0.75], counts: [1, 1] });
    const alike = [outcome(0, 0.1 + 0.2, 5), outcome(1, 0.3, 5)];
    expect(learnedChoices(untried(1, 2), alike, 1)[0]).toEqual({ means: [0, 0], counts: [1, 1] });
    expect(learnedChoices(untried(1, 2), [], 1)).toEqual(untried(1, 2));
  });
});

describe("importance of units", () => {
  it("is what loops over the rows and columns of both weights give", () => {
    const wave = (seed: number, rows: number, columns: number) =>
      Array.from({ length: rows }, (_, i) =>
        Array.from({ length: columns }, (_, j) => Math.sin(2.7 * (i * columns + j) + 1.3 * seed)),
      );
    const [units, rank, scale] = [3, 2, 1.5];
    const of = (o: number, i: number, seed: number) => ({
      w: wave(seed, o, i),
      a: wave(seed + 1, rank, i),
      b: wave(seed + 2, o, rank),
      da: wave(seed + 3, rank, i),
      db: wave(seed + 4, o, rank),
    });
    const [makes, reads] = [of(units, 4, 1), of(2, units, 11)];
    const square = ({ w, a, b, da, db }: ReturnType<typeof of>, o: number, i: number) => {
      let [product, slope] = [0, 0];
      for (let r = 0; r < rank; r++) {
        product += b[o]![r]! * a[r]![i]!;
        slope += db[o]![r]! * a[r]![i]! + b[o]![r]! * da[r]![i]! - db[o]![r]! * da[r]![i]!;
      }
      return ((w[o]![i]! + scale * product) * scale * slope) ** 2;
    };
    const expected = [0, 1, 2].map((unit) => {
      let sum = 0;
      for (let i = 0; i < 4; i++) sum += square(makes, unit, i);
      for (let o = 0; o < 2; o++) sum += square(reads, o, unit);
      return sum;
    });
    const moved = ({ w, a, b, da, db }: ReturnType<typeof of>) => ({
      ...{ weight: matrixOf(w), scale },
      before: { a: matrixOf(a), b: matrixOf(b) },
      descent: { a: matrixOf(da), b: matrixOf(db) },
    });
    const found = unitImportance(units, { rows: moved(makes), columns: moved(reads) });
    expect(found).toEqual(expected.map((value) => expect.closeTo(value, 10)));
  });
});
