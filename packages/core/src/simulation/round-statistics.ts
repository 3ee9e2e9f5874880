import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { type AlignmentStrengths, alignmentStatistic } from "../client/alignment.ts";
import { centroidStatistic, needsCentroids } from "../client/centroid-statistic.ts";
import { confusionStatistic } from "../client/confusion.ts";
import { inputsOfHead } from "../client/representations.ts";
import type { RoundStatistic } from "../client/round-statistic.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { hidesLabels } from "../data/unlabelled.ts";
import { isRegression, singleLabelClasses } from "../models/index.ts";
import { subLayout } from "../params/layout.ts";
import { zerosLike } from "../params/vector.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { ResolvedMethod } from "./resolve-method.ts";

/** A method whose clients measure statistics beside what it does. */
export interface MeasuringMethod extends ResolvedMethod {
  readonly statistics: readonly RoundStatistic[];
}

/**
 * The method with the statistics that the training loss of a configuration needs. Throws `config/conflict` where the method
 * or what acts on its updates cannot have them.
 */
export function withStatistics(config: Config, method: ResolvedMethod): MeasuringMethod {
  const statistics = configuredStatistics(config, method);
  const algorithm = statistics.reduce(measuring, method.algorithm);
  if (statistics.length === 0) return { ...method, statistics };
  return { ...method, statistics, algorithm, payloads: algorithm.payloads(method.layout, config.training) };
}

function configuredStatistics(config: Config, method: ResolvedMethod): readonly RoundStatistic[] {
  const { alignment, loss } = config.training;
  const statistics: RoundStatistic[] = [];
  if (loss.confusion > 0) {
    requireOneModel(config, method, "training.loss.confusion", `${loss.confusion}`);
    statistics.push(configuredConfusion(method, loss.confusion));
  }
  const strength = Object.entries(alignment).find(([, value]) => value > 0);
  if (strength !== undefined) {
    const [name, value] = strength;
    requireOneModel(config, method, `training.alignment.${name}`, `${value}`);
    statistics.push(configuredAlignment(method, alignment));
  }
  const { openWorld } = config.training;
  if (hidesLabels(config.data.unlabelled) && needsCentroids(openWorld)) {
    const key = openWorld.calibration > 0 ? "calibration" : "pseudoLabels";
    requireOneModel(config, method, `training.openWorld.${key}`, `${openWorld[key]}`);
    statistics.push(configuredCentroids(config, method));
  }
  return statistics;
}

function configuredCentroids({ training, seed }: Config, { model }: ResolvedMethod): RoundStatistic {
  const shape = { classes: model.classes, features: inputsOfHead(model) };
  return centroidStatistic(training.openWorld, shape, deriveKey(rootKey(seed), "centroids"));
}

function configuredConfusion({ model }: ResolvedMethod, strength: number): RoundStatistic {
  const classes = singleLabelClasses(model);
  if (classes !== undefined) return confusionStatistic(classes, strength);
  const received = `${strength}, with a model that does not give each example one of a few classes`;
  throw conflict("training.loss.confusion", received, "0", "There is no table of the classes: take a classifier.");
}

function configuredAlignment({ model, layout }: ResolvedMethod, strengths: AlignmentStrengths): RoundStatistic {
  const head = subLayout(layout, ({ role }) => role === "head");
  if (head.size > 0 && !isRegression(model)) return alignmentStatistic(head, strengths);
  const received = head.size === 0 ? "a model without a shared head" : "numbers to predict";
  const advice = "Gradients of the head are compared: take a classifier whose head all clients share.";
  throw conflict("training.alignment", `set, with ${received}`, "nothing", advice);
}

/** Statistics of clients can be compared where all of them are given one model, and their mean is no secret. */
export function requireOneModel(
  { privacy, secureAggregation, topology, adapters, aggregation }: Config,
  { algorithm, payloads, subModels }: ResolvedMethod,
  key: string,
  value: string,
): void {
  const refuse = (received: string, advice: string): never => {
    throw conflict(key, `${value}, with ${received}`, "0", advice);
  };
  if (privacy.mechanism !== "none")
    refuse(`privacy.mechanism = "${privacy.mechanism}"`, "Epsilon does not cover the statistics that clients send.");
  if (secureAggregation.protocol !== "none") {
    const advice = "Statistics of single clients would be sent beside the sum.";
    refuse(`secureAggregation.protocol = "${secureAggregation.protocol}"`, advice);
  }
  if ((aggregation.rule ?? "mean") !== "mean" || aggregation.before !== undefined) {
    const rule = [aggregation.rule ?? "mean", ...(aggregation.before ?? [])].join('", "');
    refuse(`aggregation.rule = "${rule}"`, "A rule would compare the statistics as well. Remove aggregation.rule.");
  }
  if (aggregation.clipNorm > 0) {
    const advice =
      "The norm would be that of the statistics as well. Bound single steps instead: training.gradientClip.";
    refuse(`aggregation.clipNorm = ${aggregation.clipNorm}`, advice);
  }
  if (topology.name !== "none")
    refuse(`topology.name = "${topology.name}"`, "Without a server nobody has the mean over clients.");
  if (adapters.rank !== undefined && adapters.rule === "flora")
    refuse('adapters.rule = "flora"', "Its clients are given their model in two parts: take another rule.");
  const { broadcast, own = [], parts, replay, projection } = payloads;
  const isOne =
    broadcast["parameters"] !== undefined && !own.includes("parameters") && algorithm.clusters === undefined;
  const isWhole = parts === undefined && subModels === undefined && replay === undefined && projection === undefined;
  if (!isOne || !isWhole)
    refuse(`algorithm.name = "${algorithm.name}"`, "Clients have to receive, train and send one whole model.");
}

/** The method with one more vector up and down, and on the server. */
function measuring(method: Algorithm, statistic: RoundStatistic): Algorithm {
  const { name, upload, broadcast } = statistic;
  return {
    ...method,
    payloads(model, training): Payloads {
      const all = method.payloads(model, training);
      return {
        ...all,
        broadcast: { ...all.broadcast, [name]: broadcast },
        upload: { ...all.upload, [name]: upload },
      };
    },
    init(parameters, model, starts) {
      const state = method.init(parameters, model, starts);
      return { ...state, vectors: { ...state.vectors, [name]: zerosLike(parameters, broadcast.size) } };
    },
    broadcast: (state, scalars, round) => ({
      ...method.broadcast(state, scalars, round),
      [name]: state.vectors[name]!,
    }),
    update(state, aggregate, context) {
      const { [name]: measured, ...own } = aggregate;
      const next = method.update(state, own, context);
      return {
        ...next,
        vectors: { ...next.vectors, [name]: statistic.next(measured!, state.vectors[name]!, context) },
      };
    },
  };
}
