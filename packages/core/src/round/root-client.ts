import { announceFailure, validateOutcome } from "./intake.ts";
import { orderMaker } from "./orders.ts";
import type { OpenRound, RoundWorld } from "./round-world.ts";

/**
 * Trains the server's own client on the model of a round, for rules that compare updates with one that can be trusted. Its
 * number follows those of the population, so no cohort has it.
 */
export async function trainRoot(world: RoundWorld, opened: OpenRound): Promise<void> {
  const { plan, ports, pipeline } = world;
  if (plan.rootClient === undefined) return;
  const order = orderMaker(plan, ports, pipeline, opened, world.state.server)({ client: plan.rootClient, visit: 0 });
  ports.backend.submit(order);
  const outcome = validateOutcome(pipeline, order, await ports.backend.outcome(order.id), opened.scalars);
  if ("failure" in outcome) await announceFailure(plan, ports, opened.round, outcome);
  else pipeline.aggregator.addRoot?.(outcome.update);
  await ports.backend.release(order.id);
}
