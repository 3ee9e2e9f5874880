import type { Algorithm, Payloads, ServerState } from "../algorithms/algorithm.ts";
import { STATISTICS, withStatisticsBeside } from "../client/statistics-half.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import type { Layout } from "../params/layout.ts";
import { isStatistic, statisticsSplit } from "../params/statistics.ts";

/** A method whose halves know weights alone, and its payloads. */
interface Method {
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
}

/**
 * The method for a model whose running statistics travel: they go down and up beside its vectors, and the server has the
 * mean of the clients' statistics by the weights of their updates, as FedAvg averages whole models. So the variance is the
 * mean of the clients' variances, without the spread of their means. `parameters` of the state has weights and
 * statistics; the halves of the method see the weights. Without such statistics the method is returned as it is.
 *
 * @param shared layout of what travels
 */
export function withSharedStatistics({ algorithm, payloads }: Method, shared: Layout): Method {
  if (!shared.entries.some(isStatistic)) return { algorithm, payloads };
  const { weights, statistics, weightsIn, statisticsIn, join } = statisticsSplit(shared);
  const inner = (state: ServerState): ServerState => {
    return { ...state, vectors: { ...state.vectors, parameters: weightsIn(state.vectors.parameters) } };
  };
  const outer = (state: ServerState, values: ServerState["vectors"]["parameters"]): ServerState => {
    return { ...state, vectors: { ...state.vectors, parameters: join(state.vectors.parameters, values) } };
  };
  const { served, report } = algorithm;
  const withBeside: Payloads = {
    ...payloads,
    broadcast: { ...payloads.broadcast, [STATISTICS]: statistics },
    upload: {
      ...payloads.upload,
      [STATISTICS]: { layout: statistics, aggregation: "weightedMean", statistics: true },
    },
  };
  return {
    payloads: withBeside,
    algorithm: {
      ...algorithm,
      payloads: () => withBeside,
      client: withStatisticsBeside(algorithm.client),
      init: (parameters) => outer(algorithm.init(weightsIn(parameters), weights), statisticsIn(parameters)),
      broadcast: (state, scalars, round) => ({
        ...algorithm.broadcast(inner(state), scalars, round),
        [STATISTICS]: statisticsIn(state.vectors.parameters),
      }),
      update(state, { [STATISTICS]: mean, ...aggregate }, context) {
        return outer(algorithm.update(inner(state), aggregate, { ...context, layout: weights }), mean!);
      },
      ...(served && {
        served: (parameters) => join(served(weightsIn(parameters), weights), statisticsIn(parameters)),
      }),
      ...(report && { report: (before, after) => report(inner(before), inner(after)) }),
    },
  };
}

/**
 * Refuses (`config/conflict`) methods that have no place for running statistics of the model.
 *
 * @param whole layout of the configured model, whatever model the method trains in its place
 * @param shared layout of what travels
 */
export function requireStatisticsFit(
  { evaluation }: Pick<Config, "evaluation">,
  { algorithm, payloads }: Method,
  whole: Layout,
  shared: Layout,
): void {
  if (!whole.entries.some(isStatistic)) return;
  const refuse = (why: string, advice: string) => {
    const received = `"${algorithm.name}", ${why}, with batch normalization`;
    throw conflict("algorithm.name", received, "a method of one model, of which clients send the change", advice);
  };
  const other = 'Set model.norm = "none", or "group" where the model has it.';
  const { gossip, own, ownModel, trains, widths, clusters, adaptation, messageTo, privacy } = algorithm;
  if (gossip !== undefined) refuse("whose nodes have models of their own", other);
  if (widths !== undefined) refuse("whose clients train slices of the model", other);
  if (own !== undefined || clusters !== undefined) refuse("whose server has several models", other);
  if (ownModel !== undefined) refuse("whose clients keep a model of their own", other);
  if (trains !== undefined) refuse("whose clients train another model", other);
  if (payloads.replay !== undefined) refuse("whose clients rebuild the model", other);
  if (messageTo !== undefined) refuse("whose clients are sent messages of their own", other);
  if (privacy?.unit === "records") {
    refuse("which clips each record", `Each record changes the gradients of the others. ${other}`);
  }
  if (!shared.entries.some(isStatistic)) return;
  const keep = 'Keep the statistics at clients: parameters.personal = "statistics".';
  if (payloads.parts !== undefined) refuse("whose clients send parts", keep);
  if (Object.values(payloads.upload).some(({ aggregation }) => aggregation === "each")) {
    refuse("whose server combines single updates", keep);
  }
  if (adaptation !== undefined) refuse("whose model is adapted before it is evaluated", other);
  if (evaluation.adaptEpochs !== undefined) {
    const received = `${evaluation.adaptEpochs}, with batch normalization`;
    const advice = "An adapted model would have the statistics of the global one. Remove evaluation.adaptEpochs.";
    throw conflict("evaluation.adaptEpochs", received, "nothing", advice);
  }
}
