/**
 * FedD2S: clients keep models of their own. The server learns from class means of what their stages give, and answers each with
 * soft labels of its classes; deep stages leave the federation first.
 *
 * Citation: S. M. Atapour, S. J. Seyedmohammadi, J. Abouei, A. Mohammadi, K. N. Plataniotis, "FedD2S: Personalized Data-Free
 * Federated Knowledge Distillation", 2024, arXiv:2402.10846. A reconstruction from the abstract: no code was found.
 *
 * Update rule:
 *   A_t = 1 ... max(L_min, L - floor((t - 1) / tau))
 *   client: K times: y <- y - eta * gradient of CE + lambda / |A_t| * sum_{l in A_t} KL(s_il[label] || softmax(f(y) / T))
 *     for each class c: z_ilc, mean output of stage l in A_t at y;  p_ic, mean of softmax(f(y) / T)
 *   server: S times for each stage l in A_t: Psi_l <- Psi_l - eta_g * gradient of the mean over all z_ilc of
 *     CE(Psi_l z, c) + lambda_g KL(p_ic || softmax(Psi_l z / T));  s_il[c] = softmax(Psi_l z_ilc / T)
 *
 * Symbols: x -> parameters -> [d]; y -> client.model -> [d]; Psi_l -> heads -> [sum of (q_l + 1) C]; L_min -> minimumStages -> [];
 *   s_il -> soft -> [clients, L, C, C]; |A_t| -> active -> []; T -> temperature -> []; tau -> dropEvery -> [];
 *   lambda -> strength -> []; lambda_g -> headStrength -> []; eta_g -> headLearningRate -> []; S -> headSteps -> []
 * State: server {parameters [d], heads, soft [clients, L, C, C]}; client {model [d], visits []}.
 * Wire: down 1 + |A_t| C^2 and at a client's first visit d, up C + C^2 + sum over A_t of C q_l.
 * Differences: a reconstruction from the abstract. Representations travel as class means, and nothing of a class with fewer than
 *   minimumCount examples. A stage is what enters a dense layer after the first layer, the head among them; convolutions are
 *   one stage together. Heads are linear and begin at 0. A client learns from the soft labels of its last round. Clients start
 *   from one model x, which stays as it is, and have one architecture.
 */
import { gather, mul, sum } from "@anabranch/engine";
import * as z from "zod";
import { activeStages, type DropSchedule, stageSoftLabels, trainedStageHead } from "../heterogeneity/index.ts";
import { stageDivergences } from "../heterogeneity/losses.ts";
import { entryView, type Layout, layout, subLayout } from "../params/layout.ts";
import { copy, type Vector, zerosLike } from "../params/vector.ts";
import type { ClientHalf, Payloads, RoundContext, ServerState } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { headOf } from "./head.ts";
import type { MethodBody } from "./method.ts";
import { oneEntry, ownModelSgd, ownModelState, ownModels, withVectors } from "./own-models.ts";
import { readStage, stageLayout, stageMessage, stageName, stageWeights } from "./stage-classes.ts";

const NAME = "fedd2s";
const [STAGES, ACTIVE, HEADS, SOFT] = ["stages", "active", "heads", "soft"] as const;
/** s_il of a client. */
const softName = (stage: number): string => `${SOFT}${stage}`;

const options = z.strictObject({
  strength: z.number().min(0).default(1).describe("how much soft labels count beside labels (lambda)"),
  temperature: z.number().positive().default(3).describe("temperature of soft labels (T)"),
  dropEvery: z.int().positive().default(10).describe("rounds after which the deepest stage leaves (tau)"),
  minimumStages: z.int().positive().default(1).describe("stages that stay (L_min)"),
  headStrength: z
    .number()
    .min(0)
    .default(1)
    .describe("how much the clients' soft labels count for the heads (lambda_g)"),
  headLearningRate: z.number().positive().default(0.1).describe("learning rate of the server's heads (eta_g)"),
  headSteps: z.int().positive().default(20).describe("steps of each head in a round (S)"),
  minimumCount: z.int().positive().default(2).describe("examples of a class from which on a client sends its mean"),
});
type Options = z.output<typeof options>;

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedd2s } from "@anabranch/core";
 * fedd2s({ dropEvery: 5 }).privateModels; // => true
 * ```
 */
export const fedd2s = defineMethod({
  name: NAME,
  options,
  symbols: {
    T: "temperature",
    tau: "dropEvery",
    L_min: "minimumStages",
    lambda: "strength",
    lambda_g: "headStrength",
    eta_g: "headLearningRate",
    S: "headSteps",
  },
  build: (given): MethodBody => ({
    ...ownModels,
    payloads,
    client: clientHalf(given),
    // each client of a round sends the stages that are active in it
    assign: (stages, cohort, _key, round) => cohort.map(() => activeIn(round, stages, given).length - 1),
    init(parameters, model) {
      const [stages, { classes }] = [stageWeights(model, NAME).length, headOf(model, NAME)];
      return {
        vectors: { parameters, [HEADS]: zerosLike(parameters, headsLayout(model).size) },
        scalars: { stages, classes },
      };
    },
    broadcast({ vectors, scalars }, _scalars, round) {
      const active = activeIn(round, scalars["stages"]!, given).length;
      return { parameters: vectors.parameters, [ACTIVE]: zerosLike(vectors.parameters, 1).fill(active) };
    },
    own: (state, client, round) => softLabelsFor(state, client, activeIn(round, state.scalars["stages"]!, given)),
    update: (state, { [STAGES]: told }, context) => answered(state, told!, context, given),
  }),
});

/** A_t; rounds count from 1. */
function activeIn(round: number, stages: number, options: Omit<DropSchedule, "stages">): number[] {
  return activeStages(round - 1, { ...options, stages });
}

function payloads(model: Layout): Payloads {
  const { classes } = headOf(model, NAME);
  const whole = stageLayout(model, NAME);
  const stages = stageWeights(model, NAME).map((_, k) => k + 1);
  const soft = stages.map((stage) => [softName(stage), oneEntry(softName(stage), [classes, classes])] as const);
  return {
    broadcast: { parameters: model, [ACTIVE]: oneEntry(ACTIVE, []), ...Object.fromEntries(soft) },
    own: soft.map(([name]) => name),
    upload: { [STAGES]: { layout: whole, aggregation: "each", classStatistics: true } },
    parts: stages.map((deepest) => {
      const dropped = new Set(stages.slice(deepest).map(stageName));
      return { [STAGES]: subLayout(whole, ({ name }) => !dropped.has(name)) };
    }),
    clientState: ownModelState(model),
  };
}

function clientHalf({ strength, temperature, minimumCount }: Options): ClientHalf {
  const penalty: ClientHalf["penalty"] = ({ outputs, labels, weights }, { broadcast, model }) => {
    const soft = stageWeights(model, NAME).map((_, k) => {
      const name = softName(k + 1);
      return gather(broadcast[name]![name]!, labels, 0);
    });
    const active = broadcast[ACTIVE]![ACTIVE]!;
    return mul(strength, sum(mul(weights, stageDivergences(outputs, soft, temperature, active))));
  };
  return ownModelSgd({
    ...(strength > 0 && { penalty }),
    send: (own, local) => ({ [STAGES]: stageMessage(own, local, { method: NAME, temperature, minimumCount }) }),
  });
}

/** Heads of all stages, [C, q_l] and [C]. */
function headsLayout(model: Layout): Layout {
  const { classes } = headOf(model, NAME);
  return layout(
    stageWeights(model, NAME).flatMap(({ shape }, k) => {
      const block = stageName(k + 1);
      return [
        { name: `${block}.weight`, shape: [classes, shape[0]!], role: "head", block },
        { name: `${block}.bias`, shape: [classes], role: "head", block },
      ] as const;
    }),
  );
}

/** The soft labels of a client for the stages that are active; none before it has told of its classes. */
function softLabelsFor({ vectors, scalars }: ServerState, client: number, active: readonly number[]) {
  const { [SOFT]: all } = vectors;
  const size = scalars["classes"]! ** 2;
  const given = active.map((stage) => {
    const from = (client * scalars["stages"]! + stage - 1) * size;
    return [softName(stage), all?.subarray(from, from + size) as Vector] as const;
  });
  return Object.fromEntries(given.filter(([, values]) => values?.some((value) => value > 0)));
}

/** The state with heads that have learned from a round's messages, and what these say to the clients of it. */
function answered(
  state: ServerState,
  told: Vector,
  { clients = [], population, round, layout: model }: RoundContext,
  given: Options,
): ServerState {
  const { vectors, scalars } = state;
  const [stages, classes] = [scalars["stages"]!, scalars["classes"]!];
  const message = stageLayout(model, NAME);
  const heads = copy(vectors[HEADS]!);
  const soft = copy(vectors[SOFT] ?? zerosLike(heads, population * stages * classes ** 2));
  const settings = {
    ...{ temperature: given.temperature, weight: given.headStrength },
    ...{ learningRate: given.headLearningRate, steps: given.headSteps },
  };
  for (const client of clients) soft.fill(0, client * stages * classes ** 2, (client + 1) * stages * classes ** 2);
  for (const stage of activeIn(round, stages, given)) {
    const rows = clients.map((_, row) =>
      readStage(told.subarray(row * message.size, (row + 1) * message.size), message, stage),
    );
    const [weight, bias] = ["weight", "bias"].map((part) =>
      entryView(heads, headsLayout(model).entries.find(({ name }) => name === `${stageName(stage)}.${part}`)!),
    );
    const before = { weight: Float64Array.from(weight!), bias: Float64Array.from(bias!) };
    const { head } = trainedStageHead(before, rows.flat(), settings);
    weight!.set(head.weight);
    bias!.set(head.bias!);
    for (const [place, client] of clients.entries()) {
      const from = (client * stages + stage - 1) * classes ** 2;
      for (const { label, features } of rows[place]!)
        soft.set(stageSoftLabels(head, features, given.temperature), from + label * classes);
    }
  }
  return withVectors(state, { [HEADS]: heads, [SOFT]: soft });
}
