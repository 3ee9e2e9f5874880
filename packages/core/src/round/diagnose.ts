import { conditionOfWeights } from "../metrics/conditioning.ts";
import { measureFlatness } from "../metrics/flatness.ts";
import { CLIP_NORM } from "../privacy/mechanisms/index.ts";
import type { EventOf } from "./events.ts";
import { now } from "./narrate.ts";
import type { ClosedRound, Collected, OpenRound, RoundWorld } from "./round-world.ts";
import type { RoundRecord } from "./run-plan.ts";

type Measured = Partial<EventOf<"diagnostics">>;

/** Measures a round and its model as `[diagnostics]` says, where that is due. It reads, and changes nothing. */
export async function diagnoseRound(
  world: RoundWorld,
  opened: OpenRound,
  collected: Collected,
  closed: ClosedRound,
  record: RoundRecord,
): Promise<void> {
  const { plan, ports } = world;
  const { round } = record;
  const { diagnostics } = plan;
  if (diagnostics === undefined || !isDiagnosed(plan, round)) return;
  const started = performance.now();
  const measured: Measured = {
    ...(await flatness(world, closed)),
    ...ofUpdates(world),
    ...(diagnostics.conditioning ? { conditioning: conditionOf(world) } : {}),
    ...(diagnostics.clipping ? clipping(world, opened, collected) : {}),
    ...(diagnostics.compression ? compression(collected) : {}),
  };
  if (Object.keys(measured).length === 0) return;
  const seconds = (performance.now() - started) / 1000;
  const covered = diagnostics.covered ? {} : { covered: false };
  const cost = { seconds, shareOfRound: seconds / record.seconds };
  await ports.emit({ v: 1, type: "diagnostics", at: now(), round, ...measured, ...cost, ...covered });
}

/** Whether a round is one of those that are measured. */
export function isDiagnosed({ diagnostics, rounds }: RoundWorld["plan"], round: number): boolean {
  return diagnostics !== undefined && (round % diagnostics.every === 0 || round === rounds);
}

/** Of the model, on clients' batches. */
async function flatness({ plan, ports, state }: RoundWorld, { before }: ClosedRound): Promise<Measured> {
  const settings = plan.diagnostics?.flatness;
  if (settings === undefined || ports.probe === undefined) return {};
  const { parameters } = state.server.vectors;
  const step = Float64Array.from(parameters, (value, i) => value - before[i]!);
  return { flatness: await measureFlatness(ports.probe, parameters, step, settings.radius) };
}

/** What was measured of the updates while they were added. */
function ofUpdates({ pipeline: { aggregator } }: RoundWorld): Measured {
  const { coherence, blockVariance } = aggregator.measured;
  const any = (values: object) => Object.keys(values).length > 0;
  return {
    ...(any(coherence) ? { coherence } : {}),
    ...(any(blockVariance) ? { preconditioners: blockVariance as NonNullable<Measured["preconditioners"]> } : {}),
  };
}

function conditionOf({ plan, state }: RoundWorld): number {
  return conditionOfWeights(state.server.vectors.parameters, plan.layout);
}

/** Of uploads, by the clients of a simulation, and of the broadcast. */
function compression({ tasks, broadcast }: Collected): Measured {
  return {
    ...(tasks.compression && { compression: tasks.compression }),
    ...(broadcast && { broadcastCompression: broadcast }),
  };
}

/** Against the clip norm of the round: that of privacy, or that of aggregation. */
function clipping({ plan }: RoundWorld, { scalars }: OpenRound, { tasks }: Collected): Measured {
  const measured = tasks.clipping(scalars[CLIP_NORM] ?? plan.stages.clipNorm);
  return measured === undefined ? {} : { clipping: measured };
}
