/**
 * Clients that share what makes their models, or a part beside them. hyperfl: P. Guo et al., AAAI 2025, arXiv:2412.07187.
 * pfedlora: L. Yi et al., 2023, arXiv:2310.13283, whose adapter is a second head where the head is no matrix.
 */
import { mean, minus, norm, plus, scaled, type Vector } from "./plain.ts";
import { gradient, type Oracle, type PointsProblem } from "./problem.ts";

/** Values in the order of their names: v [e], a [h], A [h, e], B [d, h], c [d]. Only v is the client's own. */
const hyperfl: Oracle = (problem, options) => {
  const { x0, a, cohorts, learningRate, localSteps } = problem;
  const [e, h] = [options.number("embedding"), options.number("hidden")];
  if (options.text("embeddings", "own") !== "common") throw new Error("first embeddings must be common: none is drawn");
  const [bound, etaG] = [options.number("clip", 50), options.number("serverLearningRate", 1)];
  const d = a[0]!.length;
  const sizes = [h, h * e, d * h, d];
  if (x0.length !== e + sizes.reduce((sum, size) => sum + size, 0)) throw new Error("x0 has another length");
  const clip = (g: Vector) => scaled(g, Math.min(1, bound / norm(g)));
  const kept = a.map(() => x0.slice(0, e));
  let psi = x0.slice(e);
  return cohorts.map((cohort) => {
    const updates = cohort.map((i) => {
      let [p, v] = [psi, kept[i]!];
      for (let k = 0; k < localSteps; k++) {
        const [bias, A, B, c] = sizes.map((size, part) => {
          const from = sizes.slice(0, part).reduce((sum, before) => sum + before, 0);
          return p.slice(from, from + size);
        }) as [Vector, Vector, Vector, Vector];
        const u = bias.map((value, r) => v.reduce((sum, vj, j) => sum + A[r * e + j]! * vj, value));
        const z = u.map((value) => Math.max(0, value));
        const x = c.map((value, j) => z.reduce((sum, zr, r) => sum + B[j * h + r]! * zr, value));
        const g = gradient(problem, i, x);
        const du = u.map((value, r) => (value > 0 ? g.reduce((sum, gj, j) => sum + gj * B[j * h + r]!, 0) : 0));
        const dA = du.flatMap((slope) => v.map((vj) => slope * vj));
        const dv = v.map((_, j) => du.reduce((sum, slope, r) => sum + slope * A[r * e + j]!, 0));
        const dB = g.flatMap((slope) => z.map((zr) => slope * zr));
        p = plus(p, clip([...du, ...dA, ...dB, ...g]), -learningRate);
        v = plus(v, clip(dv), -learningRate);
      }
      kept[i] = v;
      return minus(p, psi);
    });
    psi = plus(psi, mean(updates), etaG);
    return psi;
  });
};

/** A second value of the head's only coordinate, which has the share mu of the loss; body and head stay with the clients. */
const pfedlora: Oracle = (problem, options) => {
  const { x0, a, b, blocks, cohorts, learningRate, localSteps } = problem;
  const [mu, etaG] = [options.number("share"), options.number("serverLearningRate", 1)];
  const [head, ...more] = a[0]!.map((_, j) => j).filter((j) => !blocks!.coordinates.flat().includes(j));
  if (head === undefined || more.length > 0) throw new Error("the head must be one coordinate");
  let x = x0[0]!;
  return cohorts.map((cohort) => {
    let moved = 0;
    for (const i of cohort) {
      let theta = x;
      for (let k = 0; k < localSteps; k++) theta -= learningRate * mu * a[i]![head]! * (theta - b[i]![head]!);
      moved += (theta - x) / cohort.length;
    }
    x += etaG * moved;
    return [x];
  });
};

/** Clients train models of their own, and the first one stays as it is. */
const apart: Oracle = ({ x0, cohorts }, options) => {
  for (const name of ["sharpness", "distillationSteps", "distillationRate"]) options.number(name, 0);
  return cohorts.map(() => x0);
};

/** As those above, on points. A test of the method follows the clients' models. */
const fedd2s: Oracle<PointsProblem> = ({ x0, cohorts }, options) => {
  for (const name of ["strength", "dropEvery"]) options.number(name, 0);
  return cohorts.map(() => x0);
};

export const generated = { hyperfl, pfedlora, knfu: apart, fedmd: apart, fedd2s };
