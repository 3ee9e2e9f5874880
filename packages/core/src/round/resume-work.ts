import type { UnfinishedWork } from "./checkpoint.ts";
import { orderMaker } from "./orders.ts";
import type { RoundWorld } from "./round-world.ts";
import { namedVersions, readVersion } from "./work.ts";

/** Gives out again what a checkpoint lists, on the versions that were stored with it. Throws `checkpoint/version-missing`. */
export async function resumeWork(world: RoundWorld, listed: UnfinishedWork["outstanding"]): Promise<void> {
  const { plan, ports, pipeline, state } = world;
  for (const version of new Set(listed.map((one) => one.version))) {
    const broadcast = await readVersion(ports.checkpoints, version);
    await ports.backend.publish(version, broadcast);
    state.work.versions.set(version, broadcast);
  }
  for (const { client, version, visit, arrives, steps } of listed) {
    const opened = { round: version, learningRate: plan.learningRate(version), parts: undefined };
    const order = {
      ...orderMaker(plan, ports, pipeline, opened, state.server)({ client, visit, steps }),
      due: arrives,
    };
    state.work.orders.set(order.id, { order, visit, arrives });
    ports.backend.submit(order);
  }
  if (listed.length > 0) state.work.stored.set(state.round, namedVersions(state.work));
}
