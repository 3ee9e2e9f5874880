import * as z from "zod";
import type { Algorithm, ServerState } from "../algorithms/algorithm.ts";
import { decentralised, nodesOf, stateOf, trainedNodes } from "../algorithms/decentralised.ts";
import { dfedavg } from "../algorithms/dfedavg.ts";
import { dfedsam } from "../algorithms/dfedsam.ts";
import { monna } from "../algorithms/monna.ts";
import { scclip } from "../algorithms/scclip.ts";
import { singleMerging } from "../algorithms/single-merging.ts";
import { vcgossip } from "../algorithms/vcgossip.ts";
import { applyNodeRule, consensusDistance, type Models, meanModel, modelOf, modelsOf } from "../gossip/index.ts";
import { recording, traceFederation } from "../simulation/trace-federation.ts";
import { range, scriptedTopology, sparseRow } from "../topology/index.ts";
import type { Operation } from "./operation.ts";
import { quadratics, vectorList } from "./quadratic-problem.ts";

const problemOf = {
  ...quadratics,
  x0: vectorList,
  learningRate: z.number().positive(),
  localSteps: z.int().positive(),
};
const matrix = z.array(z.array(z.number()));
const gossipInput = z.strictObject({
  ...problemOf,
  mixing: z.array(matrix).min(1),
  /** Lengths of the layers, in order; absent: one. */
  layers: z.array(z.int().positive()).optional(),
});

const localMomentum = z.number().min(0).lt(1).default(0);
const optionsOf = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("dfedavg"), localMomentum, gossipSteps: z.int().positive().default(1) }),
  z.strictObject({
    name: z.literal("dfedsam"),
    localMomentum,
    rho: z.number().min(0).default(0.05),
    gossipSteps: z.int().positive().default(1),
  }),
  z.strictObject({
    name: z.literal("quantised-dfedavg"),
    localMomentum,
    step: z.number().positive(),
    bits: z.int().positive(),
  }),
  z.strictObject({ name: z.literal("self-centred-clipping"), localMomentum, radius: z.number().positive() }),
  z.strictObject({ name: z.literal("variance-corrected"), localMomentum }),
  z.strictObject({ name: z.literal("single-merging"), localMomentum }),
]);

/** `rounds`: models of all nodes; `consensus`: how far they disagree; `merged`: their mean after the last round. */
export const gossipOperation: Operation = {
  async run(input, given) {
    const { mixing, layers, ...problem } = gossipInput.parse(input);
    const options = optionsOf.parse(given);
    const topology = scriptedTopology(mixing.map((rows) => rows.map(sparseRow)));
    const method = decentralised(methodOf(options), { topology });
    const states = await play(
      withLayers(method, layers),
      { ...problem, momentum: options.localMomentum },
      mixing.length,
    );
    const rounds = states.map(rowsOf);
    const consensus = states.map(consensusDistance);
    const merged = options.name === "single-merging" ? { merged: Array.from(meanModel(states.at(-1)!)) } : {};
    return { rounds, consensus, ...merged };
  },
};

function methodOf(options: z.infer<typeof optionsOf>): Algorithm {
  switch (options.name) {
    case "dfedavg":
      return dfedavg({ gossipSteps: options.gossipSteps });
    case "dfedsam":
      return dfedsam({ perturbationRadius: options.rho, gossipSteps: options.gossipSteps });
    case "quantised-dfedavg":
      return dfedavg({ quantiserBits: options.bits, quantiserStep: options.step });
    case "self-centred-clipping":
      return scclip({ radius: options.radius });
    case "variance-corrected":
      return vcgossip();
    case "single-merging":
      return singleMerging();
  }
}

const monnaInput = z.strictObject({
  ...problemOf,
  /** Senders in hand at each honest node, itself first, [rounds, honest]. */
  arrivals: z.array(z.array(z.array(z.int().min(0)).min(1))).min(1),
  /** What each Byzantine node sent to each honest one, [rounds, honest, byzantine, d]. */
  byzantine: z.array(z.array(matrix)).min(1),
});
const monnaOptions = z.strictObject({
  name: z.literal("monna").optional(),
  f: z.int().min(0),
  momentum: z.number().min(0).lt(1).default(0),
});

/** `rounds`: models of the honest nodes. */
export const monnaOperation: Operation = {
  async run(input, given) {
    const { arrivals, byzantine, ...problem } = monnaInput.parse(input);
    const { f, momentum } = monnaOptions.parse(given);
    const honest = problem.a.length;
    const alone = scriptedTopology([range(honest).map((node) => ({ nodes: [node], weights: [1] }))]);
    const method = decentralised(monna({ byzantine: f, momentum }), { topology: alone });
    const hearing: Algorithm = {
      ...method,
      update(state, aggregate, context) {
        const { models, changes } = trainedNodes(state, aggregate, context);
        const strangers = byzantine[context.round - 1]!;
        // each receiver has rows of its own for what Byzantine nodes sent to it
        const sent = modelsOf(strangers.flat().map((values) => Float64Array.from(values)));
        const rows = arrivals[context.round - 1]!.map((senders, node) => {
          const before = strangers.slice(0, node).reduce((sum, { length }) => sum + length, honest);
          const nodes = senders.map((sender) => (sender < honest ? sender : before + sender - honest));
          return { nodes, weights: nodes.map(() => 1) };
        });
        const trained = { models: joined(models, sent), changes: joined(changes, zeros(sent)) };
        return stateOf(applyNodeRule(method.gossip!, trained, rows, []));
      },
    };
    // the paper's nodes take one step in a round, whatever the case says
    const training = { ...problem, localSteps: 1, momentum: 0 };
    return { rounds: (await play(hearing, training, arrivals.length)).map(rowsOf) };
  },
};

type Problem = z.infer<z.ZodObject<typeof problemOf>> & { readonly momentum: number };

/** Models of all nodes after every round, from starts of their own. */
async function play(method: Algorithm, { x0, ...problem }: Problem, rounds: number): Promise<Models[]> {
  const states: ServerState[] = [];
  const recorded = recording(method, (_parameters, state) => void states.push(state));
  const everyone = range(problem.a.length);
  const cohorts = range(rounds).map(() => everyone);
  const server = stateOf(modelsOf(x0.map((start) => Float64Array.from(start))));
  await traceFederation(recorded, { ...problem, x0: x0[0]!, cohorts }, { server });
  return states.map((state) => nodesOf(state));
}

/** The same method for a model of these layers. */
function withLayers(method: Algorithm, sizes: readonly number[] | undefined): Algorithm {
  if (sizes === undefined) return method;
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0));
  return {
    ...method,
    update(state, aggregate, { layout, ...context }) {
      const [entry] = layout.entries;
      const entries = sizes.map((size, i) => ({ ...entry!, offset: starts[i]!, size }));
      return method.update(state, aggregate, { ...context, layout: { ...layout, entries } });
    },
  };
}

const rowsOf = (models: Models) => range(models.count).map((node) => Array.from(modelOf(models, node)));
const zeros = (models: Models): Models => ({ ...models, data: new Float64Array(models.data.length) });

function joined(a: Models, b: Models): Models {
  return { count: a.count + b.count, size: a.size, data: Float64Array.from([...a.data, ...b.data]) };
}
