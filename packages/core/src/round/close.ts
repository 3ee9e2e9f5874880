import type { Failure } from "@anabranch/engine";
import type { Aggregator } from "../pipeline/index.ts";
import type { Warning } from "./backend.ts";
import { warn } from "./narrate.ts";
import type { ClosedRound, Collected, OpenRound, RoundWorld } from "./round-world.ts";

/** Ends the adding of updates and updates the server's state, or says why there is nothing to update it with. */
export async function closeRound(
  { plan, ports, state, pipeline }: RoundWorld,
  opened: OpenRound,
  collected: Collected,
): Promise<ClosedRound> {
  const { algorithm, layout } = plan;
  const { round } = opened;
  const { cohort } = collected;
  const { server } = state;
  const before = server.vectors.parameters;
  const failure = await pipeline.close(state.server, cohort);
  if (failure === undefined) state.server = await pipeline.update(state.server, opened, ports);
  else if (cohort > 0) await warn(ports, [nothingReleased(round, failure)]);
  await warn(ports, clippedWarnings(pipeline.aggregator, round));
  state.round = round;
  const { clients } = pipeline.aggregator;
  const carried = pipeline.aggregator.traffic(collected);
  const about = { round, layout, state: state.server, ...(clients === undefined ? {} : { clients }) };
  const traffic = algorithm.traffic?.(carried, about) ?? carried;
  const agreed = plan.sampler.agreementBytes?.(round, state.selection) ?? 0;
  const { bytesDown, largestMessage } = traffic;
  const bytesUp = traffic.bytesUp + agreed;
  state.totals = {
    ...state.totals,
    bytesDown: state.totals.bytesDown + bytesDown,
    bytesUp: state.totals.bytesUp + bytesUp,
  };
  const report = state.server === server ? undefined : algorithm.report?.(server, state.server);
  return { bytesDown, bytesUp, largestMessage, before, report, whyNotReleased: failure?.message };
}

function nothingReleased(round: number, { code, message, received, expected, advice }: Failure): Warning {
  const counts = received === undefined || expected === undefined ? "" : ` (${received}, expected ${expected})`;
  const next = advice === undefined ? "" : ` ${advice}`;
  return { code, message: `Round ${round}: ${message}${counts}, so the model is what it was.${next}` };
}

/** Beyond this share of clipped values a sum is no longer nearly that of the updates. */
const MUCH_CLIPPED = 0.01;

/** That updates were clipped to the range of secure aggregation where it changes what is learned. */
function clippedWarnings({ cost }: Aggregator, round: number): readonly Warning[] {
  const cut = cost?.cut ?? 0;
  if (cut <= MUCH_CLIPPED) return [];
  const share = `${Number((100 * cut).toPrecision(2))} %`;
  const message = `Round ${round}: ${share} of update values were clipped to secureAggregation.range, so the sum is inexact. Increase the range.`;
  return [{ code: "secure-aggregation/cut", message }];
}
