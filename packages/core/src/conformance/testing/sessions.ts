import { memoryBlobStore } from "../../round/blob-store.ts";
import type { RunEvent } from "../../round/events.ts";
import { memoryClientStates } from "../../round/memory-client-states.ts";
import { runFederation } from "../../round/run.ts";
import type { RunPlan, RunPorts } from "../../round/run-plan.ts";

/** Runs a plan to its end; with `cut` it is stopped after that round, and resumed. The events are those of both. */
export async function runInSessions(
  plan: RunPlan,
  { backend, evaluator }: Pick<RunPorts, "backend" | "evaluator">,
  cut = Number.POSITIVE_INFINITY,
) {
  const ports = { backend, evaluator, checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  const events: RunEvent[] = [];
  const session = (last: number) => {
    const stop = new AbortController();
    const emit = (event: RunEvent) => {
      events.push(event);
      if (event.type === "round.finished" && event.round === last) stop.abort();
    };
    return runFederation(plan, { ...ports, emit, signal: stop.signal });
  };
  if (cut < plan.rounds) await session(cut);
  return { result: await session(Number.POSITIVE_INFINITY), events, checkpoints: ports.checkpoints };
}
