import * as z from "zod";
import { type DadaoEvent, dadao, mixingConstants } from "../gossip/index.ts";
import { hashSample, mergeViews } from "../selection/hash-sample.ts";
import { graphOf } from "../topology/index.ts";
import type { Operation } from "./operation.ts";
import { quadratics, vectorList } from "./quadratic-problem.ts";

const edge = z.tuple([z.int().min(0), z.int().min(0)]);
const eventOf = z.discriminatedUnion("kind", [
  z.strictObject({ time: z.number().min(0), kind: z.literal("gradient"), node: z.int().min(0) }),
  z.strictObject({ time: z.number().min(0), kind: z.literal("edge"), edge }),
]);
const dadaoInput = z.strictObject({ ...quadratics, x0: vectorList, edges: z.array(edge), events: z.array(eventOf) });
const dadaoOptions = z.strictObject({
  name: z.literal("dadao").optional(),
  smoothness: z.number().positive(),
  strongConvexity: z.number().positive(),
});

/** `rounds`: models of all nodes after each event; the constants of the graph. */
export const dadaoOperation: Operation = {
  async run(input, given) {
    const { a, b, x0, edges, events } = dadaoInput.parse(input);
    const { smoothness, strongConvexity } = dadaoOptions.parse(given);
    const mixing = mixingConstants(graphOf(x0.length, edges));
    const gradient = (node: number, x: Float64Array) => x.map((value, j) => a[node]![j]! * (value - b[node]![j]!));
    const script = events.map((event): DadaoEvent => {
      return { time: event.time, at: event.kind === "gradient" ? { node: event.node } : { edge: event.edge } };
    });
    const rounds = dadao({ smoothness, strongConvexity, mixing }, gradient, x0, script);
    return { chi1: mixing.chi1, chi2: mixing.chi2, gossipRate: mixing.rate, rounds };
  },
};

const count = z.int().min(0);
const sampleInput = z.strictObject({
  nodes: z.array(z.strictObject({ id: z.string(), lastActivity: z.int(), left: z.boolean().optional() })),
  rounds: z.array(z.int()),
  activityWindow: count,
  sampleSize: count,
  aggregators: count,
  silent: z.array(z.string()).default([]),
});

/** For each round the order of the candidates, who trains and who averages. */
export const hashSampleOperation: Operation = {
  async run(input) {
    const { nodes, rounds, silent, ...settings } = sampleInput.parse(input);
    return { rounds: rounds.map((round) => hashSample(nodes, round, settings, (id) => !silent.includes(id))) };
  },
};

const entry = z.strictObject({ activity: z.int(), counter: z.int(), state: z.enum(["joined", "left"]) });
const viewsInput = z.strictObject({ views: z.array(z.record(z.string(), entry)) });

/** `view`: one of several. */
export const mergeViewsOperation: Operation = {
  async run(input) {
    return { view: mergeViews(viewsInput.parse(input).views) };
  },
};
