import { AnabranchError } from "@anabranch/engine";
import type { ServerPipeline } from "../pipeline/index.ts";
import type { FailedOutcome, Order, Outcome } from "./backend.ts";
import { now } from "./narrate.ts";
import type { RunPlan, RunPorts } from "./run-plan.ts";

/** The outcome with its update as it is aggregated, or the failure that an invalid update amounts to. */
export function validateOutcome(
  pipeline: ServerPipeline,
  order: Order,
  outcome: Outcome,
  scalars: Readonly<Record<string, number>>,
): Outcome {
  if ("failure" in outcome) return outcome;
  const received = pipeline.receive(outcome.update, { scalars, part: order.part, keys: order.keys });
  if (!("code" in received)) return { ...outcome, update: received };
  const { client, bytesDown, retried } = outcome;
  const { code, message } = received;
  return { client, failure: { code, message }, bytesDown, retried };
}

/** Announces a failed client; throws `round/client-failed` where that is to stop the run. */
export async function announceFailure(
  { onClientFailure }: RunPlan,
  ports: RunPorts,
  round: number,
  { client, failure, retried }: FailedOutcome,
): Promise<void> {
  await ports.emit({ v: 1, type: "client.failed", at: now(), round, client, ...failure, retried });
  if (onClientFailure === "continue") return;
  throw new AnabranchError({
    code: "round/client-failed",
    message: failure.message,
    where: `round ${round}, client ${client}`,
    advice: 'A run with stop.onClientFailure = "continue" skips failed clients and continues.',
  });
}
