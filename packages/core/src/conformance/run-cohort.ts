import { TASK_KEYS, taskKeys } from "../protocol/index.ts";
import type { Broadcast } from "../protocol/message.ts";
import { type RandomKey, rootKey } from "../random/index.ts";
import type { Backend, Order, Outcome } from "../round/backend.ts";

/** A cohort's work on one model version. */
export interface CohortWork {
  readonly broadcast: Broadcast;
  readonly cohort: readonly number[];
  readonly learningRate: number;
  readonly parts?: ReadonlyMap<number, number> | undefined;
  /** What each client is given alone. */
  readonly own?: ((client: number) => NonNullable<Order["own"]>) | undefined;
  readonly seed?: number;
  /** Keys for the pipeline's client halves, where it asks for some. */
  readonly keys?: Readonly<Record<string, RandomKey>>;
  readonly loadState?: Order["loadState"] | ((client: number) => ReturnType<Order["loadState"]>);
}

/**
 * Has a backend do a cohort's work and hands the outcomes over one by one, in cohort order; then its memory is reused.
 *
 * @example
 * ```ts
 * import { inProcessSimulation } from "@anabranch/core";
 * import { runCohort, smallRun } from "@anabranch/core/conformance";
 * import { interpreter } from "@anabranch/engine";
 * const { plan, simulation } = smallRun({ name: "fedavg" }).prepared;
 * const { backend } = await inProcessSimulation(simulation, interpreter());
 * const broadcast = { round: 1, vectors: { parameters: plan.initial }, scalars: {} };
 * const clients: number[] = [];
 * const work = { broadcast, cohort: [2, 0], learningRate: 0.1 };
 * await runCohort(backend, work, (outcome) => void clients.push(outcome.client));
 * clients; // => [2, 0]
 * ```
 */
export async function runCohort(
  backend: Backend,
  {
    broadcast,
    cohort,
    learningRate,
    parts,
    own: given,
    seed = 0,
    keys = {},
    loadState = async () => undefined,
  }: CohortWork,
  accept: (outcome: Outcome) => void | Promise<void>,
): Promise<void> {
  const { round } = broadcast;
  await backend.publish(round, broadcast);
  const training = taskKeys(rootKey(seed), TASK_KEYS, round);
  const orders = cohort.map((client): Order => {
    const own = training(client, 0);
    const part = parts?.get(client);
    const alone = given && { own: given(client) };
    const task = { client, version: round, part, learningRate, ...alone, keys: { ...own, ...keys } };
    return { id: `${round}/${client}/0`, ...task, loadState: () => loadState(client) };
  });
  for (const order of orders) backend.submit(order);
  try {
    for (const { id } of orders) {
      await accept(await backend.outcome(id));
      await backend.release(id);
    }
  } finally {
    await Promise.all(orders.map(({ id }) => backend.release(id)));
    backend.retire(round);
  }
}

/**
 * A backend around a backend that hands out other outcomes; `watch` sees every broadcast.
 *
 * @example
 * ```ts
 * import { alteredBackend, simulateSmall, smallRun } from "@anabranch/core/conformance";
 * const { prepared } = smallRun({ name: "fedavg" }, { rounds: 1, sampler: { cohort: 4 } });
 * const failure = { code: "client/absent", message: "it is off" };
 * // client 0 fails in every round
 * const { history } = await simulateSmall(prepared, (backend) =>
 *   alteredBackend(backend, (outcome) => (outcome.client === 0 ? { ...outcome, failure } : outcome)),
 * );
 * history[0]?.clients; // => 3
 * ```
 */
export function alteredBackend(
  backend: Backend,
  alter: (outcome: Outcome, order: Order) => Outcome,
  watch: (broadcast: Broadcast) => void = () => {},
): Backend {
  const orders = new Map<string, Order>();
  return {
    name: backend.name,
    group: backend.group,
    publish(version, broadcast, change) {
      watch(broadcast);
      return backend.publish(version, broadcast, change);
    },
    retire: (version) => backend.retire(version),
    submit(order) {
      orders.set(order.id, order);
      backend.submit(order);
    },
    outcome: async (id) => alter(await backend.outcome(id), orders.get(id)!),
    release: (id) => backend.release(id),
    ...(backend.idle === undefined ? {} : { idle: () => backend.idle!() }),
    takeWarnings: () => backend.takeWarnings?.() ?? [],
  };
}
