import * as z from "zod";
import { type AggregatorTree, placeUpdates, planLeaves, treeMean } from "../aggregation/tree-fold.ts";
import type { Operation } from "./operation.ts";

const numbers = z.array(z.number());
const tree: z.ZodType<AggregatorTree> = z.lazy(() => z.array(z.union([z.int().min(0), tree])));
const treeInput = z.strictObject({ updates: z.array(numbers), weights: numbers.optional(), tree });
const placementInput = z.strictObject({
  nodes: z.array(z.strictObject({ capacity: z.number(), arrivalRate: z.number(), aggregationTime: z.number() })),
  updates: z.int().min(0),
  smoothing: z.number().min(0).max(1).default(1),
  fanIn: z.number().positive().default(1),
  queueLengths: numbers.default([]),
});

/** The mean over a tree of aggregators. */
export const treeOperation: Operation = {
  async run(input) {
    const { updates, weights, tree: root } = treeInput.parse(input);
    const vectors = updates.map((values) => Float64Array.from(values));
    const mean = treeMean(root, vectors, weights ?? vectors.map(() => 1));
    return { ...mean, aggregate: [...mean.aggregate] };
  },
};

/** Where updates are aggregated, and by how many leaves. */
export const placementOperation: Operation = {
  async run(input) {
    const { nodes, updates, smoothing, fanIn, queueLengths } = placementInput.parse(input);
    return { ...placeUpdates(nodes, updates), leaves: planLeaves(queueLengths, smoothing, fanIn) };
  },
};
