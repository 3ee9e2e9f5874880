import * as z from "zod";
import { weightRules } from "../topology/index.ts";

/** Graphs by name, and where else edges come from. */
export const topologyNames = [
  "none",
  "ring",
  "torus",
  "exponential",
  "one-peer-exponential",
  "random-regular",
  "random-pairs",
  "complete",
  "star",
  "path",
  "tree",
  "edges",
  "matrix",
] as const;

const positive = z.int().min(1);

export const topology = z
  .strictObject({
    name: z
      .enum(topologyNames)
      .default("none")
      .describe(
        'graph of a run without a server, or "none": "ring", "torus", "exponential", "one-peer-exponential", "random-regular", "random-pairs", "complete", "star", "path", "tree", "edges" or "matrix" (from a file)',
      ),
    weights: z
      .enum(weightRules)
      .optional()
      .describe(
        'weights of neighbours: "metropolis", "max-degree", "uniform" or "equal" (degrees must be equal); omitted: metropolis, or equal for exponential graphs and random pairs',
      ),
    rows: positive.optional().describe("torus: rows of the grid; omitted: as square as possible"),
    degree: positive.default(4).describe("random-regular: neighbours of each node"),
    fanout: positive.default(2).describe("tree: children of each node"),
    probability: z.number().min(0).max(1).default(0.2).describe("random-pairs: how often a node asks another one"),
    file: z
      .string()
      .min(1)
      .optional()
      .describe("edges: CSV file with two nodes per line; matrix: CSV file with a row of weights per line"),
    starts: z
      .enum(["common", "own"])
      .default("common")
      .describe('initial weights of the nodes: "common", or random ones of their "own"'),
    averageFrom: positive.optional().describe("first round in which all nodes take the mean of all models"),
    averageTo: positive.optional().describe("last of these rounds; omitted: the last round of the run"),
    evaluateEvery: z
      .int()
      .min(0)
      .default(10)
      .describe("rounds between evaluations of every node's model (0 = never); the last round is evaluated too"),
  })
  .prefault({})
  .describe("decentralised training: every client has a model of its own and mixes it with its neighbours'");
