import * as z from "zod";
import { steppedModels } from "../algorithms/clusters.ts";
import {
  adaptiveSplit,
  functionalSimilarity,
  mixed,
  normalisedRows,
  oneShotClusters,
  reptileStep,
} from "../clustering/index.ts";
import { modelOf, modelsOf } from "../gossip/index.ts";
import { fuseKnowledge } from "../heterogeneity/index.ts";
import { distillation } from "../heterogeneity/losses.ts";
import type { Vector } from "../params/vector.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";
import { gradientLists, scalar, traced } from "./traced.ts";

const rowsOf = (list: readonly (readonly number[])[]) => list.map((row) => Float64Array.from(row));

const seriesInput = z.strictObject({
  start: vector,
  updates: z.array(vectorList).min(1),
  clusters: z.int().positive(),
});

/** OCFL on given updates: `temperatures` until it fires, `firedRound` from 0 or -1, `assignment`, `models` by round. */
export const oneShotSeries: Operation = {
  async run(input) {
    const { start, updates, clusters } = seriesInput.parse(input);
    const temperatures: number[] = [];
    let assignment: readonly number[] = updates[0]!.map(() => 0);
    let firedRound = -1;
    let models: readonly Vector[] = [Float64Array.from(start)];
    const rounds = updates.map((round, t) => {
      const changes = rowsOf(round);
      if (firedRound < 0) {
        const verdict = oneShotClusters(changes, temperatures.at(-1), clusters);
        temperatures.push(verdict.temperature);
        if (verdict.assignment !== undefined) {
          firedRound = t;
          assignment = verdict.assignment;
          models = Array.from({ length: Math.max(...assignment) + 1 }, () => models[0]!);
        }
      }
      models = steppedModels(models, modelsOf(changes), assignment, 1);
      return models.map((model) => Array.from(model));
    });
    return { temperatures, firedRound, assignment, models: rounds };
  },
};

const splitInput = z.strictObject({
  updates: vectorList,
  distance: z.number(),
  minimumClients: z.int().min(0),
  reptile: z.strictObject({ w: vector, rounds: z.int().positive(), round: z.int().min(0) }).optional(),
});

/** The best division of a cluster, whether it is made, and `reptile`, the step of the whole cluster. */
export const adaptiveSplitOperation: Operation = {
  async run(input) {
    const { updates, reptile, ...rule } = splitInput.parse(input);
    const changes = rowsOf(updates);
    const found = adaptiveSplit(changes, rule);
    const { accepted = false, heights = [], children = [], within = 0, overall = 0 } = found ?? {};
    const split = { heights, topHeight: heights.at(-1) ?? 0, within, overall, split: accepted, children };
    if (reptile === undefined) return split;
    const step = reptileStep(reptile.round, reptile.rounds);
    const together = changes.map(() => 0);
    const [model] = steppedModels([Float64Array.from(reptile.w)], modelsOf(changes), together, step);
    return { ...split, reptile: Array.from(model!) };
  },
};

const serverInput = z.strictObject({ embeddings: vectorList, parameters: vectorList, temperature: z.number().min(0) });

/** FED-PUB's `weights` of clients for each other, and their `personal` models. */
export const similarityServer: Operation = {
  async run(input) {
    const { embeddings, parameters, temperature } = serverInput.parse(input);
    const weights = functionalSimilarity(rowsOf(embeddings), temperature);
    const models = mixed(rowsOf(parameters), normalisedRows(weights));
    return { weights, personal: parameters.map((_, i) => Array.from(modelOf(models, i))) };
  },
};

const fusionInput = z.strictObject({
  soft: z.array(vectorList).min(1),
  sharpness: z.number().min(0),
  logits: vectorList.optional(),
});

/** KnFu's fusion, and the distillation `loss` of client 0 with its `gradient` by the logits. */
export const fusionOperation: Operation = {
  async run(input) {
    const { soft, sharpness, logits } = fusionInput.parse(input);
    const { priors: prior, ...fusion } = fuseKnowledge(soft, sharpness);
    if (logits === undefined) return { prior, ...fusion };
    const student = traced(logits);
    const loss = distillation(traced(fusion.fused[0]!), student);
    return { prior, ...fusion, loss: scalar(loss), gradient: gradientLists(loss, { student }).student };
  },
};
