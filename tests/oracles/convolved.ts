/**
 * fedconv: L. Shen et al., MobiSys 2024, on quadratics, whose parameter is one vector. The server trains on the quadratics of
 * all clients; gradients of maps and factors are written out. All public examples are in one mini-batch.
 */
import { fraction, keyOf, wordsOf } from "./draws.ts";
import { dot, norm, plus, scaled, type Vector } from "./plain.ts";
import { gradient, type Oracle, type Problem } from "./problem.ts";

interface Map {
  filter: Vector;
  gain: number;
  projection: number;
}

/** Adam with bias correction on one vector, so many steps. */
function adam(start: Vector, slope: (at: Vector) => Vector, steps: number, rate: number): Vector {
  let [x, m, v] = [start, start.map(() => 0), start.map(() => 0)];
  for (let t = 1; t <= steps; t++) {
    const g = slope(x);
    m = m.map((value, j) => 0.9 * value + 0.1 * g[j]!);
    v = v.map((value, j) => 0.999 * value + 0.001 * g[j]! ** 2);
    x = x.map((value, j) => {
      return value - (rate * (m[j]! / (1 - 0.9 ** t))) / (Math.sqrt(v[j]! / (1 - 0.999 ** t)) + 1e-8);
    });
  }
  return x;
}

/** Slope of the mean loss of all public examples at the leading coordinates. */
function publicSlope({ a, b }: Problem, x: Vector): Vector {
  return x.map((value, j) => a.reduce((sum, row, i) => sum + row[j]! * (value - b[i]![j]!), 0) / a.length);
}

const leak = (value: number) => (value > 0 ? 0.85 : 0.001);

/** A map as one vector: filter, gain, projection. */
const flat = ({ filter, gain, projection }: Map): Vector => [...filter, gain, projection];
const mapOf = (values: Vector): Map => ({
  filter: values.slice(0, -2),
  gain: values.at(-2)!,
  projection: values.at(-1)!,
});

const kernelOf = ({ filter, gain }: Map) => scaled(filter, gain / norm(filter));

/** From slopes of the kernel to those of filter and gain. */
function slopesOfKernel({ filter, gain }: Map, slope: Vector): { filter: Vector; gain: number } {
  const length = norm(filter);
  const along = dot(filter, slope) / length;
  return { filter: filter.map((value, k) => (gain / length) * (slope[k]! - (along * value) / length)), gain: along };
}

/** Sums before the leak: of a small model from a large one, and of a large from a small one. */
function shrunk(map: Map, x: Vector): Vector {
  const kernel = kernelOf(map);
  return Array.from({ length: x.length - kernel.length + 1 }, (_, u) =>
    kernel.reduce((sum, value, k) => sum + value * map.projection * x[u + k]!, 0),
  );
}

function grown(map: Map, small: Vector): Vector {
  const kernel = kernelOf(map);
  const large = new Array<number>(small.length + kernel.length - 1).fill(0);
  for (const [u, value] of small.entries()) for (const [k, weight] of kernel.entries()) large[u + k]! += weight * value;
  return large;
}

const leaked = (sums: Vector) => sums.map((sum) => leak(sum) * sum);

function drawn(extent: number, ...path: (string | number)[]): Map {
  const word = wordsOf(keyOf(0, "public-training", "draw", ...path));
  const filter = Array.from({ length: extent }, () => (2 * fraction(word) - 1) / Math.sqrt(extent));
  return { filter, gain: norm(filter), projection: 2 * fraction(word) - 1 };
}

const fedconv: Oracle = (problem, options) => {
  const { x0, cohorts, learningRate, localSteps } = problem;
  const d = x0.length;
  const ratios = options.numbers("ratios");
  const units = ratios.map((ratio) => Math.max(1, Math.floor(ratio * d + 1e-12)));
  const epochs = (name: string, usual: number) => options.number(name, usual);
  const [serverEpochs, serverRate] = [epochs("serverEpochs", 10), options.number("serverRate", 1e-4)];
  const [mapEpochs, mapRate] = [epochs("mapEpochs", 20), options.number("mapRate", 1e-3)];
  const [factorEpochs, factorRate] = [epochs("factorEpochs", 20), options.number("factorRate", 1e-3)];
  if (options.text("factorStart", "normal") !== "ones" || options.number("validation", 0.2) !== 0)
    throw new Error("the oracle begins with factors of 1 and holds no examples back");
  const compress = new globalThis.Map<number, Map>();
  const dilate = new globalThis.Map<number, Map>();
  const factors = new globalThis.Map<number, Vector>();
  let x = x0;
  return cohorts.map((cohort) => {
    x = adam(x, (at) => publicSlope(problem, at), serverEpochs, serverRate);
    const small = new globalThis.Map<number, Vector>();
    for (const [tier, ratio] of ratios.entries()) {
      if (ratio === 1) continue;
      const extent = d - units[tier]! + 1;
      const slope = (values: Vector) => {
        const map = mapOf(values);
        const sums = shrunk(map, x);
        const back = publicSlope(problem, leaked(sums)).map((value, u) => value * leak(sums[u]!));
        const ofKernel = map.filter.map((_, k) =>
          back.reduce((sum, value, u) => sum + value * map.projection * x[u + k]!, 0),
        );
        const kernel = kernelOf(map);
        const projection = back.reduce(
          (sum, value, u) => sum + value * kernel.reduce((s, w, k) => s + w * x[u + k]!, 0),
          0,
        );
        const { filter, gain } = slopesOfKernel(map, ofKernel);
        return [...filter, gain, projection];
      };
      const start = compress.get(tier) ?? drawn(extent, "filters", tier);
      const map = mapOf(adam(flat(start), slope, mapEpochs, mapRate));
      compress.set(tier, map);
      small.set(tier, leaked(shrunk(map, x)));
    }
    const models = cohort.map((client) => {
      const tier = client % ratios.length;
      let y = small.get(tier) ?? x;
      for (let k = 0; k < localSteps; k++) {
        const whole = Array.from({ length: d }, (_, j) => y[j] ?? 0);
        y = plus(y, gradient(problem, client, whole).slice(0, y.length), -learningRate);
      }
      if (ratios[tier] === 1) return y;
      const slope = (values: Vector) => {
        const map = mapOf(values);
        const sums = grown(map, y);
        const back = publicSlope(problem, leaked(sums)).map((value, j) => value * leak(sums[j]!));
        const ofKernel = map.filter.map((_, k) => y.reduce((sum, value, u) => sum + value * back[u + k]!, 0));
        const { filter, gain } = slopesOfKernel(map, ofKernel);
        return [...filter, gain, 0];
      };
      const start = dilate.get(client) ?? drawn(d - units[tier]! + 1, "dilations", client);
      const map = mapOf(adam(flat(start), slope, mapEpochs, mapRate));
      dilate.set(client, map);
      return leaked(grown(map, y));
    });
    const taken = cohort.flatMap((client) => factors.get(client) ?? new Array<number>(d).fill(1));
    const sumWith = (all: Vector) =>
      Array.from({ length: d }, (_, j) =>
        models.reduce((sum, model, i) => sum + (all[i * d + j]! * model[j]!) / models.length, 0),
      );
    const slope = (all: Vector) => {
      const back = publicSlope(problem, sumWith(all));
      return all.map((_, place) => (back[place % d]! * models[Math.floor(place / d)]![place % d]!) / models.length);
    };
    const learned = adam(taken, slope, factorEpochs, factorRate);
    for (const [i, client] of cohort.entries()) factors.set(client, learned.slice(i * d, (i + 1) * d));
    x = sumWith(learned);
    return x;
  });
};

export const convolved = { fedconv };
