/**
 * MASHA on a real game: logistic regression against one perturbation that all images share. Five clients have images of
 * 7 x 7 squares, and tell even classes from odd ones; the players are weights w [50] and a perturbation v [49]:
 *   min_w max_v  mean log(1 + exp(-y (w (x + v) + b))) + 0.05 / 2 |w|^2 - |v|^2 / 2
 * `node experiments/games/robust-regression.ts` prints |F(z)| / |F(0)| after equal numbers of floats that a client sent.
 * A place counts as a float where it is not drawn. Each method has the best of five steps, by its last figure.
 */
import { compressedDescent, type DeviceOperator, masha, mashaDraws, rootKey } from "@anabranch/core";
import { clientExamples, coarse, type Examples } from "../blackbox/models.ts";

const [CLIENTS, IMAGES, SIDE, BATCH] = [5, 100, 7, 20];
const [DECAY, PENALTY] = [0.05, 1];
const INPUTS = SIDE * SIDE;
const D = 2 * INPUTS + 1;
const K = 10;
const SEEDS = [1, 2, 3];
const STEPS = [1, 0.5, 0.2, 0.1, 0.05];
const BUDGETS = [5000, 20_000, 60_000];

/** z = (w, b, v) -> (df/dw, df/db, -df/dv) over the images of a client, or over BATCH of them that follow from the draw. */
function robustRegression({ images, labels }: Examples): DeviceOperator {
  return (z, draw) => {
    const count = draw === undefined ? images.length : BATCH;
    const first = draw === undefined ? 0 : (draw * BATCH) % images.length;
    const value = z.map((v, j) => (j < INPUTS ? DECAY * v : j === INPUTS ? 0 : PENALTY * v));
    for (let row = first; row < first + count; row++) {
      const [image, sign] = [images[row]!, labels[row]! % 2 === 0 ? 1 : -1];
      let score = z[INPUTS]!;
      for (let i = 0; i < INPUTS; i++) score += z[i]! * (image[i]! + z[INPUTS + 1 + i]!);
      const slope = -sign / (1 + Math.exp(sign * score)) / count;
      for (let i = 0; i < INPUTS; i++) {
        value[i]! += slope * (image[i]! + z[INPUTS + 1 + i]!);
        value[INPUTS + 1 + i]! -= slope * z[i]!;
      }
      value[INPUTS]! += slope;
    }
    return value;
  };
}

/** Points of a path, each with the floats that a client has sent. */
type Path = readonly { readonly z: Float64Array; readonly floats: number }[];
type Method = (devices: readonly DeviceOperator[], stepSize: number, seed: number) => Path;

function mashaMethod(variant: 1 | 2, k: number, extra: { batches?: boolean; participation?: number } = {}): Method {
  return (devices, stepSize, seed) => {
    const steps = Math.ceil(BUDGETS.at(-1)! / (variant === 1 ? k : 2 * k));
    const draws = mashaDraws(rootKey(seed), D, k, extra.participation);
    const path = masha(devices, new Float64Array(D), { variant, k, stepSize, steps, ...extra }, draws);
    const message = k === D || variant === 1 ? k * (extra.participation ?? 1) : 2 * k;
    let floats = D;
    return path.map(({ z, moved }) => {
      floats += message + (moved ? D : 0);
      return { z, floats };
    });
  };
}

function descent(feedback: "none" | "ef14" | "ef21"): Method {
  return (devices, stepSize) => {
    const steps = Math.ceil(BUDGETS.at(-1)! / (2 * K));
    const path = compressedDescent(devices, new Float64Array(D), { feedback, k: K, stepSize, steps });
    return path.map((z, step) => ({ z, floats: (step + 1) * 2 * K }));
  };
}

const methods: Readonly<Record<string, Method>> = {
  "extragradient, all entries": mashaMethod(1, D),
  "10 largest entries": descent("none"),
  "10 largest, EF14": descent("ef14"),
  "10 largest, EF21": descent("ef21"),
  "MASHA1, 10 drawn entries": mashaMethod(1, K),
  "MASHA1 on batches of 20": mashaMethod(1, K, { batches: true }),
  "MASHA1, half of the clients": mashaMethod(1, K, { participation: 0.5 }),
  "MASHA2, 10 largest entries": mashaMethod(2, K),
};

const devices = (await clientExamples(CLIENTS, IMAGES)).map((one) => robustRegression(coarse(one, SIDE)));
const norm = (z: Float64Array) => {
  const parts = devices.map((device) => device(z));
  return Math.hypot(...z.map((_, j) => parts.reduce((sum, part) => sum + part[j]!, 0) / parts.length));
};
const whole = norm(new Float64Array(D));

/** |F(z)| / |F(0)| of the last point within each budget; the worst of the seeds. */
function ratios(method: Method, stepSize: number): number[] {
  const paths = SEEDS.map((seed) => method(devices, stepSize, seed));
  return BUDGETS.map((budget) =>
    Math.max(...paths.map((path) => norm(path.findLast(({ floats }) => floats <= budget)!.z) / whole)),
  );
}

console.log(`|F(z)| / |F(0)|, the worst of ${SEEDS.length} seeds\nmethod | step | ${BUDGETS.join(" | ")} floats`);
for (const [name, method] of Object.entries(methods)) {
  const tried = STEPS.map((step) => ({ step, values: ratios(method, step) }));
  const finite = tried.filter(({ values }) => values.every(Number.isFinite));
  const { step, values } = finite.reduce((a, b) => (b.values.at(-1)! < a.values.at(-1)! ? b : a));
  console.log(`${name} | ${step} | ${values.map((value) => value.toExponential(1)).join(" | ")}`);
}
