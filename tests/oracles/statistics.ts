/**
 * Methods whose clients send statistics of their classes.
 *
 * fedgh: L. Yi et al., ACM MM 2023, arXiv:2303.13137, Algorithm 1. ggeur: Y. Ma et al., CVPR 2025, arXiv:2503.06457.
 * fraug: H. Chen et al., ICCV 2023, whose class means stay with the clients.
 */
import { descended, flatHead, initialNetwork, movedHead, pointsOf, representation, residual } from "./network.ts";
import { asMatrix, mean, minus, plus, squares, type Vector } from "./plain.ts";
import type { Oracle, PointsProblem } from "./problem.ts";

const total = (x: Vector): number => x.reduce((sum, value) => sum + value, 0);

const fedgh: Oracle<PointsProblem> = (problem, options) => {
  const [rate, clip] = [options.number("headerLearningRate", 0.01), options.number("headerClip", 50)];
  const [passes, least] = [options.number("headerPasses", 1), options.number("minimumCount", 2)];
  const { learningRate, localSteps, classes, owners, cohorts } = problem;
  const start = initialNetwork(problem);
  const bodies = [...new Set(owners)].map(() => start.body);
  let { head } = start;
  return cohorts.map((cohort) => {
    const told: { f: Vector; y: number }[] = [];
    for (const i of cohort) {
      const points = pointsOf(problem, i);
      let net = { body: bodies[i]!, head };
      for (let k = 0; k < localSteps; k++) net = descended(net, points, learningRate);
      bodies[i] = net.body;
      for (let y = 0; y < classes; y++) {
        const own = points.filter((point) => point.y === y).map(({ x }) => representation(net.body, x));
        if (own.length >= least) told.push({ f: mean(own), y });
      }
    }
    for (let pass = 0; pass < passes; pass++) {
      for (const { f, y } of told) {
        const r = residual(head, f, y);
        const length = Math.sqrt(total(squares(r)) * (1 + total(squares(f))));
        head = movedHead(head, f, r, rate * Math.min(1, clip / length));
      }
    }
    return flatHead({ head });
  });
};

/**
 * The drawn examples of a class are around means, and their spread is random: only where all representations of a class are
 * alike, so that it has no spread, is everything known here. Drawn examples then repeat the class, or another client's.
 */
const ggeur: Oracle<PointsProblem> = (problem, options) => {
  const [target, etaG] = [options.number("target", 200), options.number("serverLearningRate", 1)];
  const [sharesMeans, least] = [options.flag("prototypes", true), options.number("minimumCount", 2)];
  const { learningRate, localSteps, classes, owners, cohorts } = problem;
  const start = initialNetwork(problem);
  const all = [...new Set(owners)].map((i) =>
    pointsOf(problem, i).map(({ x, y }) => ({ f: representation(start.body, x), y })),
  );
  const own = (i: number, y: number) => all[i]!.filter((point) => point.y === y).map(({ f }) => f);
  const everyClass = Array.from({ length: classes }, (_, y) => y);
  for (const y of everyClass) {
    const [first, ...rest] = all.flatMap((_, i) => own(i, y));
    if (rest.some((f) => f.some((value, j) => value !== first![j]))) throw new Error(`class ${y} has a spread`);
  }
  let { head } = start;
  return cohorts.map((cohort, index) => {
    if (index === 0) return flatHead({ head });
    const changes = cohort.map((i) => {
      // examples with their weights
      const weighted = everyClass.flatMap((y) => {
        const mine = own(i, y);
        const missing = Math.max(0, target - mine.length);
        const others = all.flatMap((_, k) => (sharesMeans && k !== i && own(k, y).length >= least ? [k] : []));
        const kept = mine.length === 0 ? 0 : missing / (1 + others.length);
        const given = others[(index + 1 + i) % others.length];
        return [
          ...mine.map((f) => ({ f, y, weight: 1 + kept / mine.length })),
          ...(given === undefined ? [] : [{ f: mean(own(given, y)), y, weight: missing - kept }]),
        ];
      });
      const size = total(weighted.map(({ weight }) => weight));
      let trained = head;
      for (let k = 0; k < localSteps; k++) {
        let next = trained;
        for (const { f, y, weight } of weighted)
          next = movedHead(next, f, residual(trained, f, y), (learningRate * weight) / size);
        trained = next;
      }
      return minus(flatHead({ head: trained }), flatHead({ head }));
    });
    const moved = plus(flatHead({ head }), mean(changes), etaG);
    head = { bias: moved.slice(0, classes), weight: asMatrix(moved.slice(classes), classes) };
    return moved;
  });
};

/** Networks that never move make no residuals: synthetic features are then class means and the client's own features. */
const fraug: Oracle<PointsProblem> = (problem, options) => {
  if (options.number("networkLearningRate") !== 0) throw new Error("networks must not move: they begin at random");
  const [gamma, horizon] = [options.number("rampRate", 0.01), options.number("horizon", 300)];
  const [beta, etaG] = [options.number("meanMomentum", 0.3), options.number("serverLearningRate", 1)];
  const { learningRate, localSteps, classes, owners, cohorts, hidden } = problem;
  const kept = [...new Set(owners)].map(() => Array.from({ length: classes }, (): Vector => new Array(hidden).fill(0)));
  let x = problem.x0;
  return cohorts.map((cohort, round) => {
    const ramp = Math.min(1, Math.exp(gamma * (round - horizon)));
    const rho = Math.min(0.5, ramp);
    const changes = cohort.map((i) => {
      const points = pointsOf(problem, i);
      const means = kept[i]!;
      const known = means.flatMap((_, c) => (points.some(({ y }) => y === c) ? [c] : []));
      let net = initialNetwork({ ...problem, x0: x });
      for (let k = 0; k < localSteps; k++) {
        const rows = points.map((point) => ({ f: representation(net.body, point.x), y: point.y }));
        for (const c of known) {
          const own = rows.filter(({ y }) => y === c).map(({ f }) => f);
          means[c] = means[c]!.map((value, j) => (1 - beta) * value + beta * mean(own)[j]!);
        }
        const synthetic = [
          ...known.map((c) => ({ f: means[c]!, y: c, share: 0.5 / known.length })),
          ...rows.map((row) => ({ ...row, share: 0.5 / rows.length })),
        ];
        const { head: before } = net;
        net = descended(net, points, learningRate * (1 - rho));
        for (const { f, y, share } of synthetic) {
          const moved = movedHead(net.head, f, residual(before, f, y), learningRate * rho * share);
          net = { ...net, head: moved };
        }
      }
      const { body } = net;
      return minus([...body.bias, ...body.weight.flat(), ...flatHead(net)], x);
    });
    x = plus(x, mean(changes), etaG);
    return x;
  });
};

export const statistics = { fedgh, ggeur, fraug };
