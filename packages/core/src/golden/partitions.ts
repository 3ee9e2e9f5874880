import * as z from "zod";
import { classGroups, kMeans, longTailSizes, meanDivergence, partitionReport } from "../data/index.ts";
import { cutByClass, rowsOfClients } from "../data/partitioners/dealing.ts";
import type { Operation } from "./operation.ts";
import { vectorList } from "./quadratic-problem.ts";

const count = z.int().min(0);

const cutInput = z.strictObject({ classSizes: z.array(count).min(1), shares: vectorList });

/** Sizes [classes][clients] of given shares, `plain` and `balanced`. */
export const dirichletCutOperation: Operation = {
  async run(input) {
    const { classSizes, shares } = cutInput.parse(input);
    const cut = (balanced: boolean) =>
      cutByClass(classSizes, shares[0]!.length, (label) => Float64Array.from(shares[label]!), balanced).map((sizes) =>
        Array.from(sizes),
      );
    return { plain: cut(false), balanced: cut(true) };
  },
};

const embeddingInput = z.strictObject({ embeddings: vectorList, centres: vectorList, shares: vectorList });

/** `clusters` of embeddings from given centres, the rows of `clients` by given shares, and how they differ. */
export const embeddingPartitionOperation: Operation = {
  async run(input) {
    const { embeddings, centres: first, shares } = embeddingInput.parse(input);
    const { labels, centres } = kMeans(embeddings, first);
    const rows = centres.map((_, k) => Int32Array.from(embeddings.keys()).filter((row) => labels[row] === k));
    const clients = shares[0]!.length;
    const sizes = cutByClass(
      rows.map(({ length }) => length),
      clients,
      (cluster) => Float64Array.from(shares[cluster]!),
    );
    const histograms = Array.from({ length: clients }, (_, client) => sizes.map((ofCluster) => ofCluster[client]!));
    return {
      clusters: Array.from(labels),
      centres: centres.map((centre) => Array.from(centre)),
      clients: rowsOfClients(rows, sizes, clients).clients.map((held) => Array.from(held)),
      meanJs: meanDivergence(histograms),
    };
  },
};

const longTailInput = z.strictObject({
  classes: z.int().positive(),
  maximum: count,
  ratio: z.number().positive().max(1),
});

/** Class sizes in both forms, and the `groups` of the first. */
export const longTailOperation: Operation = {
  async run(input) {
    const { classes, maximum, ratio } = longTailInput.parse(input);
    const exp = longTailSizes(classes, maximum, ratio);
    return {
      exp,
      total: exp.reduce((a, b) => a + b, 0),
      step: longTailSizes(classes, maximum, ratio, "step"),
      groups: classGroups(exp),
    };
  },
};

const reportInput = z.strictObject({ histograms: z.array(z.array(count).min(1)).min(1) });

/** `sizes`, `effectiveClasses`, `meanJs` and `gini` of a partition. */
export const partitionReportOperation: Operation = {
  async run(input) {
    return partitionReport(reportInput.parse(input).histograms);
  },
};
