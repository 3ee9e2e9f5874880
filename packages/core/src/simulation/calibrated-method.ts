import type { Algorithm, Part, Payloads } from "../algorithms/algorithm.ts";
import { type Head, headOf } from "../algorithms/head.ts";
import { classMoments, statisticsFrom } from "../client/class-moments.ts";
import type { Measurement } from "../client/round-statistic.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { calibratedHead } from "../heterogeneity/index.ts";
import { singleLabelClasses } from "../models/index.ts";
import { entryView, layout } from "../params/layout.ts";
import { copy, type Vector } from "../params/vector.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { ResolvedMethod } from "./resolve-method.ts";
import { requireOneModel } from "./round-statistics.ts";

type LinearHead = Head & Record<"weight" | "bias", NonNullable<Head["weight"]>>;

/** Parts that clients send: all but the statistics, and in the last round the statistics alone. */
const [UPDATE, STATISTICS] = [0, 1] as const;
const NOTHING = layout([]);

/**
 * The method of a run whose server retrains the head in the last round: clients send statistics of their classes in place of
 * updates, and the model keeps all but its head. Throws `config/conflict` where there are none.
 */
export function withCalibration<M extends ResolvedMethod & { readonly statistics: readonly Measurement[] }>(
  config: Config,
  method: M,
): M & { readonly statistics: readonly Measurement[] } {
  const { samples } = config.training.calibration;
  if (samples === 0) return method;
  const head = requireHead(config, method);
  const moments = classMoments(head);
  const algorithm = calibrating(config, method.algorithm, head, moments);
  const payloads = algorithm.payloads(method.layout, config.training);
  return { ...method, algorithm, payloads, statistics: [...method.statistics, moments] };
}

function calibrating(
  { training: { calibration }, rounds, seed }: Config,
  method: Algorithm,
  head: LinearHead,
  { name, upload }: Measurement,
): Algorithm {
  const retrained = (parameters: Vector, sums: Vector): Vector => {
    const next = copy(parameters);
    const [weight, bias] = [entryView(next, head.weight), entryView(next, head.bias)];
    const key = deriveKey(rootKey(seed), "calibration");
    const made = calibratedHead({ weight, bias }, statisticsFrom(sums, head), calibration, key);
    weight.set(made.weight);
    bias.set(made.bias);
    return next;
  };
  return {
    ...method,
    payloads(model, training): Payloads {
      const all = method.payloads(model, training);
      const whole = Object.entries(all.upload).map(([key, { layout: own }]) => [key, own] as const);
      const nothing = whole.map(([key]) => [key, NOTHING] as const);
      const parts: Part[] = [];
      parts[UPDATE] = { ...Object.fromEntries(whole), [name]: NOTHING };
      parts[STATISTICS] = { ...Object.fromEntries(nothing), [name]: upload.layout };
      return { ...all, upload: { ...all.upload, [name]: upload }, parts };
    },
    assign: (_parts, cohort, _key, round) => cohort.map(() => (round === rounds ? STATISTICS : UPDATE)),
    update(state, aggregate, context) {
      const { [name]: sums, ...own } = aggregate;
      if (context.round < rounds) return method.update(state, own, context);
      return { ...state, vectors: { ...state.vectors, parameters: retrained(state.vectors.parameters, sums!) } };
    },
  };
}

function requireHead(config: Config, method: ResolvedMethod): LinearHead {
  const { samples } = config.training.calibration;
  const key = "training.calibration.samples";
  const refuse = (received: string, advice: string): never => {
    throw conflict(key, `${samples}, with ${received}`, "0", advice);
  };
  requireOneModel(config, method, key, `${samples}`);
  if (config.rounds < 2) refuse("rounds = 1", "The last round retrains the head: train for some rounds before it.");
  if (config.stop.patience > 0 || config.stop.targetAccuracy !== undefined)
    refuse("an early end", "The last round would not come: remove stop.patience and stop.targetAccuracy.");
  if (singleLabelClasses(method.model) === undefined)
    refuse("a model without one class per example", "There are no classes to draw features of.");
  const isShared = method.layout.entries.some(({ role }) => role === "head");
  const head = isShared ? headOf(method.layout, method.algorithm.name) : undefined;
  if (head?.weight !== undefined && head.bias !== undefined) return head as LinearHead;
  return refuse("a model without a shared linear head", "All clients have to share one head, which is a linear layer.");
}
