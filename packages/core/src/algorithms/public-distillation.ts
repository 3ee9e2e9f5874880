/** Private models that learn from each other's outputs on public examples: the presets `knfu` and `fedmd`. */
import {
  add,
  constant,
  equal,
  mul,
  reshape,
  scan,
  sgd,
  softmax,
  sub,
  type Tensor,
  takeStep,
  valueAndGrad,
  where,
} from "@anabranch/engine";
import * as z from "zod";
import { fuseKnowledge, type SoftLabels } from "../heterogeneity/index.ts";
import { distillation } from "../heterogeneity/losses.ts";
import { type Layout, layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import type {
  ClientHalf,
  Local,
  ParameterTensors,
  PayloadSettings,
  Payloads,
  RoundContext,
  ServerState,
} from "./algorithm.ts";
import type { SgdCarry } from "./local-sgd.ts";
import type { MethodBody } from "./method.ts";
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
/** What clients keep. */
const [OWN, VISITS] = ["model", "visits"] as const;

/** The method of a rule. */
export function publicDistillation(rule: DistillationRule): MethodBody {
  return {
    wholePopulation: true,
    usesPublicExamples: true,
    payloads,
    client: clientHalf(rule),
    ownModel: (_global, kept) => kept?.[OWN],
    init: (parameters) => ({ vectors: { parameters }, scalars: {} }),
    broadcast: ({ vectors }) => ({ parameters: vectors.parameters }),
    // a client has its own model after its first visit
    messageTo: ({ vectors }, _all, kept) => ({ vectors: kept === undefined ? { parameters: vectors.parameters } : {} }),
    own: fusedFor,
    update: (state, { [KNOWLEDGE]: outputs }, round) => withFused(state, outputs!, round, rule.sharpness),
  };
}

/** Soft labels of m public examples among C classes. */
function payloads(model: Layout, { publicOutputs = [1, 1] }: PayloadSettings = {}): Payloads {
  const one = (name: string, shape: readonly number[]) => layout([{ name, shape, role: "vector", block: name }]);
  return {
    broadcast: { parameters: model, [FUSED]: one(FUSED, publicOutputs) },
    own: [FUSED],
    upload: { [KNOWLEDGE]: { layout: one(KNOWLEDGE, publicOutputs), aggregation: "each" } },
    clientState: { [OWN]: model, [VISITS]: one(VISITS, []) },
  };
}

function clientHalf(rule: DistillationRule): ClientHalf {
  const half: ClientHalf<Local["broadcast"], Local["state"], Local["sent"], SgdCarry> = {
    begin(local, settings) {
      const [received, kept] = [local.broadcast["parameters"]!, local.state[OWN]!];
      const isNew = equal(local.state[VISITS]![VISITS]!, 0);
      const start = combine((mine, first) => where(isNew, first, mine), kept, received);
      const parameters = distilled(start, local, rule);
      return { parameters, optimizer: sgd(settings).init(parameters) };
    },
    step({ parameters, optimizer }, local, settings) {
      const { loss, gradients } = local.gradient(parameters);
      const next = takeStep(sgd(settings), gradients, optimizer, parameters, local);
      return { carry: { parameters: next.parameters as ParameterTensors, optimizer: next.state }, loss };
    },
    end({ parameters }, local) {
      const visits = add(local.state[VISITS]![VISITS]!, constant(1));
      return {
        update: { [KNOWLEDGE]: { [KNOWLEDGE]: softmax(logitsOf(parameters, local)) } },
        state: { [OWN]: parameters, [VISITS]: { [VISITS]: visits } },
      };
    },
  };
  return half as unknown as ClientHalf;
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
  { vectors, scalars }: ServerState,
  outputs: Vector,
  { clients = [], population, upload = {} }: RoundContext,
  sharpness: number,
): ServerState {
  if (clients.length === 0) return { vectors, scalars };
  const { parameters } = vectors;
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
  const fused = vectors[FUSED]?.slice() ?? zerosLike(parameters, population * size);
  const has = vectors[HAS]?.slice() ?? zerosLike(parameters, population);
  for (const [place, client] of clients.entries()) {
    fused.set(learned[place]!.flat(), client * size);
    has[client] = 1;
  }
  return { scalars, vectors: { parameters, [FUSED]: fused, [HAS]: has } };
}
