/**
 * DADAO with equal and with optimised rates of its edges: messages and gradients until 16 nodes agree on the minimum of the
 * sum of their quadratics. `node experiments/decentralised/edge-rates.ts` prints them.
 *
 * Gradients of a node come once per unit of time, messages at the rate that the graph asks for, both at random. A message
 * is an exchange over one edge. All numbers follow from the seed.
 */
import {
  type DadaoEvent,
  dadao,
  deriveKey,
  type Graph,
  graphOf,
  mixingConstants,
  optimisedProbabilities,
  randomStream,
  rootKey,
} from "@anabranch/core";

const [NODES, TIME, PRECISION] = [16, 400, 1e-6];
const SEEDS = [1, 2, 3];
const all = Array.from({ length: NODES }, (_, i) => i);
const pairs = all.flatMap((i) => all.slice(i + 1).map((j): [number, number] => [i, j]));
const joined = (test: (i: number, j: number) => boolean) =>
  graphOf(
    NODES,
    pairs.filter(([i, j]) => test(i, j)),
  );
const graphs: Readonly<Record<string, Graph>> = {
  "two cliques, one bridge": joined((i, j) => i < 8 === j < 8 || (i === 7 && j === 8)),
  path: joined((i, j) => j === i + 1),
  "4 x 4 grid": joined((i, j) => j === i + 4 || (j === i + 1 && j % 4 !== 0)),
  "clique with a tail": joined((i, j) => j < 8 || j === i + 1),
  star: joined((i) => i === 0),
  ring: joined((i, j) => j === i + 1 || (i === 0 && j === NODES - 1)),
  complete: joined(() => true),
};

/** Curvatures 1 to 5 and minima of the nodes, and the minimum of their sum. */
const a = all.map((i) => [1 + (4 * i) / (NODES - 1), 5 - (4 * i) / (NODES - 1)]);
const b = all.map((i) => [Math.sin(i), Math.cos(3 * i)]);
const minimum = [0, 1].map((j) => {
  const weigh = (value: (i: number) => number) => all.reduce((sum, i) => sum + a[i]![j]! * value(i), 0);
  return weigh((i) => b[i]![j]!) / weigh(() => 1);
});

/** Messages and gradients until the squared distance to the minimum is a millionth of that of the start. */
function untilPrecise(graph: Graph, probabilities: readonly number[], seed: number) {
  const mixing = mixingConstants(graph, probabilities);
  const stream = randomStream(deriveKey(rootKey(seed), "dadao"));
  const edgeOf = (draw: number) => {
    let left = draw;
    for (const [e, edge] of graph.edges.entries()) {
      left -= probabilities[e]!;
      if (left < 0) return edge;
    }
    return graph.edges.at(-1)!;
  };
  const events: DadaoEvent[] = [];
  for (let time = 0; time < TIME; ) {
    time -= Math.log(1 - stream.float()) / (NODES + mixing.rate);
    const isGradient = stream.float() * (NODES + mixing.rate) < NODES;
    events.push({ time, at: isGradient ? { node: stream.below(NODES) } : { edge: edgeOf(stream.float()) } });
  }
  const gradient = (i: number, x: Float64Array) => x.map((value, j) => a[i]![j]! * (value - b[i]![j]!));
  const start = all.map(() => [3, -3]);
  const far = (models: readonly (readonly number[])[]) =>
    models.reduce((sum, x) => sum + x.reduce((own, value, j) => own + (value - minimum[j]!) ** 2, 0), 0);
  const rounds = dadao({ smoothness: 5, strongConvexity: 1, mixing }, gradient, start, events);
  const end = rounds.findLastIndex((models) => far(models) > PRECISION * far(start)) + 1;
  if (end === events.length) throw new Error("not precise in time");
  const messages = events.slice(0, end).filter(({ at }) => "edge" in at).length;
  return { messages, gradients: end - messages };
}

console.log("graph                    rates      per unit of time   messages  gradients");
for (const [name, graph] of Object.entries(graphs)) {
  const equal = graph.edges.map(() => 1 / graph.edges.length);
  for (const [kind, probabilities] of Object.entries({ equal, optimised: optimisedProbabilities(graph) })) {
    const runs = SEEDS.map((seed) => untilPrecise(graph, probabilities, seed));
    const mean = (of: "messages" | "gradients") => runs.reduce((sum, run) => sum + run[of], 0) / SEEDS.length;
    const { rate } = mixingConstants(graph, probabilities);
    const numbers = [rate.toFixed(2).padStart(16), mean("messages").toFixed(0).padStart(10)];
    console.log(name.padEnd(24), kind.padEnd(10), ...numbers, mean("gradients").toFixed(0).padStart(10));
  }
}
