/** Private models that learn from each other's outputs on public examples: the presets `knfu` and `fedmd`. */
import { constant, mul, reshape, scan, softmax, sub, type Tensor, valueAndGrad } from "@anabranch/engine";
import * as z from "zod";
import { fuseKnowledge, type SoftLabels } from "../heterogeneity/index.ts";
import { distillation } from "../heterogeneity/losses.ts";
import type { Layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import type { Local, ParameterTensors, PayloadSettings, Payloads, RoundContext, ServerState } from "./algorithm.ts";
import type { MethodBody } from "./method.ts";
import { oneEntry, ownModelSgd, ownModelState, ownModels, withVectors } from "./own-models.ts";
import { combine } from "./parameter-tensors.ts";

/** Options that the presets share. */
export const distillationOptions = {
  distillationSteps: z.int().min(0).default(5).describe("steps towards the fused outputs on all public examples (S)"),
  distillationRate: z.number().positive().default(0.1).describe("learning rate of those steps (eta_d)"),
} as const;

export const distillationSymbols = { S: "distillationSteps", eta_d: "distillationRate" } as const;

export interface DistillationRule {
  readonly distillationSteps: number;
  readonly distillationRate: number;
  /** beta; 0: everyone learns from all alike. */
  readonly sharpness: number;
}

/** What goes up, what goes down for each client, and for whom there is such. */
const [KNOWLEDGE, FUSED, HAS] = ["knowledge", "fused", "has"] as const;

/** The method of a rule. */
export function publicDistillation(rule: DistillationRule): MethodBody {
  return {
    ...ownModels,
    wholePopulation: true,
    usesPublicExamples: true,
    payloads,
    client: ownModelSgd({
      start: (own, local) => distilled(own, local, rule),
      send: (own, local) => ({ [KNOWLEDGE]: { [KNOWLEDGE]: softmax(logitsOf(own, local)) } }),
    }),
    broadcast: ({ vectors }) => ({ parameters: vectors.parameters }),
    own: fusedFor,
    update: (state, { [KNOWLEDGE]: outputs }, round) => withFused(state, outputs!, round, rule.sharpness),
  };
}

/** Soft labels of m public examples among C classes. */
function payloads(model: Layout, { publicOutputs = [1, 1] }: PayloadSettings = {}): Payloads {
  return {
    broadcast: { parameters: model, [FUSED]: oneEntry(FUSED, publicOutputs) },
    own: [FUSED],
    upload: { [KNOWLEDGE]: { layout: oneEntry(KNOWLEDGE, publicOutputs), aggregation: "each" } },
    clientState: ownModelState(model),
  };
}

/** Steps along the gradient of the distance to the fused outputs; where these are zeros, as at first, it is 0. */
function distilled(
  start: ParameterTensors,
  local: Local,
  { distillationSteps: steps, distillationRate: rate }: DistillationRule,
): ParameterTensors {
  if (steps === 0) return start;
  const target = local.broadcast[FUSED]![FUSED]!;
  const distance = (parameters: ParameterTensors) => distillation(target, logitsOf(parameters, local));
  const descend = (parameters: ParameterTensors) => {
    const { gradients } = valueAndGrad(distance, parameters);
    return { carry: combine((y, g) => sub(y, mul(g, rate)), parameters, gradients), output: {} };
  };
  return scan(descend, start, constant(new Array<number>(steps).fill(0), [steps])).carry;
}

/** Logits of the public examples in the shape of their soft labels, [m, C]. */
function logitsOf(parameters: ParameterTensors, local: Pick<Local, "broadcast" | "publicOutputs">): Tensor {
  return reshape(local.publicOutputs(parameters), local.broadcast[FUSED]![FUSED]!.shape);
}

/** What one client learns from in its next training; nothing before it has sent something. */
function fusedFor({ vectors: { [FUSED]: all, [HAS]: has } }: ServerState, client: number): Record<string, Vector> {
  if (all === undefined || !(has![client]! > 0)) return {};
  const size = all.length / has!.length;
  return { [FUSED]: all.subarray(client * size, (client + 1) * size) };
}

/** The state with what the clients of a round learn from each other; others keep what they had. */
function withFused(
  state: ServerState,
  outputs: Vector,
  { clients = [], population, upload = {} }: RoundContext,
  sharpness: number,
): ServerState {
  if (clients.length === 0) return state;
  const { vectors } = state;
  const { size, entries } = upload[KNOWLEDGE]!.layout;
  const classes = entries[0]!.shape[1]!;
  const rowsOf = (place: number): SoftLabels =>
    Array.from({ length: size / classes }, (_, k) => {
      return Array.from(outputs.subarray(place * size + k * classes, place * size + (k + 1) * classes));
    });
  const learned = fuseKnowledge(
    clients.map((_, place) => rowsOf(place)),
    sharpness,
  ).fused;
  const fused = vectors[FUSED]?.slice() ?? zerosLike(vectors.parameters, population * size);
  const has = vectors[HAS]?.slice() ?? zerosLike(vectors.parameters, population);
  for (const [place, client] of clients.entries()) {
    fused.set(learned[place]!.flat(), client * size);
    has[client] = 1;
  }
  return withVectors(state, { [FUSED]: fused, [HAS]: has });
}
