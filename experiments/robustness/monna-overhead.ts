/**
 * MoNNA: gradients that 34 nodes need to reach a target, of which f are faulty. `node experiments/robustness/monna-overhead.ts`
 * prints them.
 *
 * Every node has the loss |x|^2 / 2 in 20 dimensions and sees its gradient with standard normal noise on each coordinate.
 * A node keeps momentum 0.9 and takes one step per round; each has its own model in hand, those of all faulty nodes, and
 * of random others up to n - f. Faulty nodes all send the mean of the correct models plus a multiple of their root mean
 * squared distance from it, away from the minimum. For each f the best of some learning rates counts, under the worst of
 * some multiples.
 */
import { deriveKey, mix, modelOf, modelsOf, nearestRows, type RandomKey, randomStream, rootKey } from "@anabranch/core";

const [NODES, SIZE, MOMENTUM, MOST] = [34, 20, 0.9, 1500];
/** The mean loss of the correct models over so many rounds has to be below this. */
const [TARGET, WINDOW] = [0.015, 20];
const RATES = [0.14, 0.1, 0.07, 0.05, 0.035, 0.025, 0.018];
const MULTIPLES = [0.5, 1, 2];
const SEEDS = [1, 2, 3];

type Stream = ReturnType<typeof randomStream>;
const normal = (stream: Stream) =>
  Math.sqrt(-2 * Math.log(1 - stream.float())) * Math.cos(2 * Math.PI * stream.float());
const lengthOf = (x: ArrayLike<number>) => Math.sqrt(Array.from(x).reduce((sum, value) => sum + value * value, 0));

/** Rounds until the target is reached; MOST where it is not. */
function rounds(f: number, rate: number, multiple: number, key: RandomKey): number {
  const stream = randomStream(key);
  const correct = NODES - f;
  let x = modelsOf(Array.from({ length: correct }, () => new Float64Array(SIZE).fill(1)));
  const m = new Float64Array(correct * SIZE);
  const recent: number[] = [];
  for (let round = 1; round <= MOST; round++) {
    const half = x.data.map((value, k) => {
      m[k] = MOMENTUM * m[k]! + (1 - MOMENTUM) * (value + normal(stream));
      return value - rate * m[k]!;
    });
    const sent = Array.from({ length: correct }, (_, i) => half.subarray(i * SIZE, (i + 1) * SIZE));
    const all = modelsOf([...sent, ...Array.from({ length: f }, () => faulty(sent, multiple))]);
    const rows = all.count === correct ? everyone(correct) : inHand(correct, f, stream);
    const mixed = mix(all, nearestRows(all, rows, f));
    x = modelsOf(sent.map((_, i) => modelOf(mixed, i)));
    recent.push(lengthOf(x.data) ** 2 / (2 * correct));
    const last = recent.slice(-WINDOW);
    if (last.length === WINDOW && last.reduce((a, b) => a + b) / WINDOW <= TARGET) return round;
  }
  return MOST;
}

function faulty(sent: readonly ArrayLike<number>[], multiple: number): Float64Array {
  const mean = Float64Array.from({ length: SIZE }, (_, j) => sent.reduce((sum, y) => sum + y[j]!, 0) / sent.length);
  const squares = sent.reduce((sum, y) => sum + mean.reduce((own, value, j) => own + (y[j]! - value) ** 2, 0), 0);
  const step = (multiple * Math.sqrt(squares / sent.length)) / lengthOf(mean);
  return mean.map((value) => value * (1 + step));
}

const everyone = (nodes: number) => rowsOf(Array.from({ length: nodes }, () => [...Array(nodes).keys()]));
const rowsOf = (lists: readonly (readonly number[])[]) =>
  lists.map((nodes) => ({ nodes, weights: nodes.map(() => 1) }));

/** n - f models for each correct node: its own, those of all faulty ones, and of random others. */
function inHand(correct: number, f: number, stream: Stream) {
  const strangers = Array.from({ length: f }, (_, k) => correct + k);
  const lists = Array.from({ length: correct }, (_, i) => {
    const others = [...Array(correct).keys()].filter((j) => j !== i);
    for (let left = f; left > 0; left--) others.splice(stream.below(others.length), 1);
    return [i, ...others, ...strangers];
  });
  return rowsOf([...lists, ...strangers.map((node) => [node])]);
}

console.log(`gradients of correct nodes until the loss is ${TARGET}, by seed; the best rate, the worst multiple`);
for (const f of [0, 1, 2, 3]) {
  const tried = RATES.map((rate) => {
    const runs = MULTIPLES.slice(0, f === 0 ? 1 : undefined).map((multiple) => {
      const found = SEEDS.map((seed) => rounds(f, rate, multiple, deriveKey(rootKey(seed), "monna")));
      return { rate, multiple, found, mean: found.reduce((a, b) => a + b) / SEEDS.length };
    });
    return runs.reduce((worst, run) => (run.mean > worst.mean ? run : worst));
  });
  const best = tried.reduce((one, other) => (other.mean < one.mean ? other : one));
  const gradients = best.found.map((count) => (count * (NODES - f)).toFixed(0).padStart(7)).join("");
  console.log(`f = ${f}`, gradients, `  rate ${best.rate}, multiple ${best.multiple}, rounds ${best.mean.toFixed(0)}`);
}
