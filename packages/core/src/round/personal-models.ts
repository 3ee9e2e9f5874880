/** Evaluation of clients' own models on their hold-outs, beside that of the global model. */
import type { Algorithm } from "../algorithms/algorithm.ts";
import { joinParameters } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import type { EvaluationSums } from "./backend.ts";
import type { RunState } from "./checkpoint-store.ts";
import type { ClientVectors } from "./client-state.ts";
import type { RunPlan, RunPorts } from "./run-plan.ts";
import { servedModel } from "./served-model.ts";
import { keepsParameters, wholeModel } from "./whole-model.ts";

/** What clients make of a global model. */
export interface OwnSums {
  /** Of the models that clients keep. */
  readonly personal?: readonly EvaluationSums[];
  /** Of the global model after some steps on each client's own examples. */
  readonly adapted?: readonly EvaluationSums[];
}

/**
 * Whether clients of a run have models of their own.
 *
 * @example
 * ```ts
 * import { ditto, hasPersonalModels } from "@anabranch/core";
 * hasPersonalModels({ algorithm: ditto() }); // => true
 * ```
 */
export function hasPersonalModels(
  plan: Pick<RunPlan, "held" | "localModel"> & { readonly algorithm: Pick<Algorithm, "ownModel"> },
): boolean {
  return plan.localModel === undefined && (keepsParameters(plan) || plan.algorithm.ownModel !== undefined);
}

/**
 * The model of a client, from the global one and what it keeps: with its personal parameters, or the model that the method
 * keeps. A client that has not trained has the global one.
 *
 * @example
 * ```ts
 * import { ditto, layout, personalModel } from "@anabranch/core";
 * const run = { algorithm: ditto(), layout: layout([{ name: "x", shape: [1], role: "vector", block: "x" }]) };
 * const [global, own] = [Float32Array.of(1), Float32Array.of(2)];
 * personalModel(run, global, { model: own, visits: Float32Array.of(1) }); // => [2]
 * ```
 */
export function personalModel(
  plan: Pick<RunPlan, "held" | "layout"> & { readonly algorithm: Pick<Algorithm, "ownModel" | "served"> },
  global: Vector,
  kept: ClientVectors | undefined,
): Vector {
  const { held, layout, algorithm } = plan;
  const shared = algorithm.ownModel?.(global, kept, layout) ?? servedModel(plan, global);
  if (held === undefined) return shared;
  return keepsParameters(plan) ? joinParameters(held, shared, kept?.["personal"]) : wholeModel(plan, shared);
}

/** Sums for each client; absent where clients have no models of their own, and where these stay with live clients. */
export async function ownSums(plan: RunPlan, ports: RunPorts, { server, round }: RunState): Promise<OwnSums> {
  const { evaluator, clientStates, adapter } = ports;
  const { parameters } = server.vectors;
  const each = async (modelOf: (client: number) => Promise<Vector>): Promise<EvaluationSums[]> => {
    const sums: EvaluationSums[] = [];
    for (let client = 0; client < plan.population; client++)
      sums.push(...(await evaluator.evaluateClients(await modelOf(client), client)));
    return sums;
  };
  const given = ownOf(plan, round);
  const isHere = hasPersonalModels(plan) && clientStates.isElsewhere !== true;
  const received = (client: number) => given?.(server, client) ?? parameters;
  const personal = isHere
    ? await each(async (client) => personalModel(plan, received(client), await clientStates.load(client)))
    : given && (await each(async (client) => wholeModel(plan, received(client))));
  return {
    ...(personal && { personal }),
    ...(adapter !== undefined && { adapted: await each((client) => adapter.adapt(client, round, parameters)) }),
  };
}

/** The models that the server of a method has for single clients; nodes of a decentralised run are evaluated apart. */
function ownOf(
  { algorithm: { own, ownModel, gossip }, payloads }: Pick<RunPlan, "algorithm" | "payloads">,
  round: number,
): ((server: RunState["server"], client: number) => Vector) | undefined {
  const isModel = payloads.own?.includes("parameters") === true && ownModel === undefined;
  if (own === undefined || !isModel || gossip !== undefined || payloads.places !== undefined) return undefined;
  return (server, client) => own(server, client, round + 1)["parameters"]!;
}
