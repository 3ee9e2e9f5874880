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

/** Has a backend do a cohort's work and hands the outcomes over one by one, in cohort order; then its memory is reused. */
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

/** A backend around a backend that hands out other outcomes; `watch` sees every broadcast. */
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
