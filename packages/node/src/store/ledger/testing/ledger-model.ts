import type { Ledger, OrderRow } from "@anabranch/core/live";
import * as fc from "fast-check";
import { expect } from "vitest";

/** What a model of a ledger does in random order: few orders and updates, so that they meet. */
type Step =
  | { readonly do: "give"; readonly client: number; readonly version: number; readonly broadcast: string }
  | { readonly do: "accept"; readonly client: number; readonly version: number; readonly hash: string }
  | { readonly do: "close"; readonly client: number; readonly version: number }
  | { readonly do: "look"; readonly client: number; readonly version: number }
  | { readonly do: "forget"; readonly version: number }
  | { readonly do: "reopen" };

const place = { client: fc.nat({ max: 1 }), version: fc.integer({ min: 1, max: 3 }) };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("give"), ...place, broadcast: fc.constantFrom("x", "y") }) },
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant("accept"), ...place, hash: fc.constantFrom("a", "b", "c") }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("close"), ...place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("look"), ...place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("forget"), version: fc.integer({ min: 2, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen") }) },
);
/** Calls of one group are made at once. */
const plan = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 10, maxLength: 40 });

/** A ledger in the plainest words. */
class Model {
  orders: OrderRow[] = [];
  /** Updates without an order, and those among them that this opening has returned. */
  loose = new Set<string>();
  returned = new Set<string>();
  count = 0;

  run(step: Step): unknown {
    if (step.do === "forget") return this.forget(step.version);
    if (step.do === "reopen") return this.returned.clear();
    const id = `${step.version}/${step.client}/0`;
    const order = this.orders.find((each) => each.id === id);
    if (step.do === "look") return order;
    if (step.do === "give") {
      if (order?.broadcast === step.broadcast) return;
      this.remove(order === undefined ? [] : [order]);
      const { client, version, broadcast } = step;
      this.orders.push({ id, client, version, broadcast, status: "given", hash: undefined, sequence: undefined });
      return;
    }
    if (step.do === "close") {
      if (order?.status === "given") this.put({ ...order, status: "closed" });
      return;
    }
    if (order?.status === "accepted" && order.hash === step.hash) return "again";
    if (order?.status !== "given") {
      this.loosen(step.hash);
      return order?.status === "accepted" ? "other" : "closed";
    }
    this.put({ ...order, status: "accepted", hash: step.hash, sequence: ++this.count });
    return "accepted";
  }

  private put(order: OrderRow): void {
    this.orders = [...this.orders.filter(({ id }) => id !== order.id), order];
  }

  private remove(gone: readonly OrderRow[]): void {
    this.orders = this.orders.filter((order) => !gone.includes(order));
    for (const { hash } of gone) if (hash !== undefined) this.loosen(hash);
  }

  private loosen(hash: string): void {
    this.loose.add(hash);
    this.returned.delete(hash);
  }

  private forget(before: number): string[] {
    for (const hash of this.returned) this.loose.delete(hash);
    this.returned.clear();
    this.remove(this.orders.filter(({ version }) => version < before));
    for (const { hash } of this.orders) if (hash !== undefined) this.loose.delete(hash);
    this.returned = new Set(this.loose);
    return [...this.loose].sort();
  }
}

function call(ledger: Ledger, step: Exclude<Step, { do: "reopen" }>): Promise<unknown> {
  if (step.do === "forget") return ledger.forgetBefore(step.version);
  const id = `${step.version}/${step.client}/0`;
  if (step.do === "look") return ledger.order(id);
  if (step.do === "close") return ledger.closeOrder(id);
  if (step.do === "accept") return ledger.acceptUpdate(id, step.hash);
  return ledger.giveOrder({ id, client: step.client, version: step.version, broadcast: step.broadcast });
}

/** Compares a ledger with the model over random calls, several at once, and openings in between. */
export async function agreesWithModel(
  create: () => Promise<() => Promise<Ledger>>,
  options: { readonly plans: number },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(plan, async (groups) => {
      const open = await create();
      let ledger = await open();
      const model = new Model();
      try {
        for (const group of groups) {
          const answers = group.map((step) => (step.do === "reopen" ? undefined : call(ledger, step)));
          const expected = group.map((step) => (step.do === "reopen" ? undefined : model.run(step)));
          expect(await Promise.all(answers)).toEqual(expected);
          if (group.some((step) => step.do === "reopen")) {
            await ledger.close();
            model.run({ do: "reopen" });
            ledger = await open();
          }
        }
        const sequences = model.orders.flatMap(({ sequence }) => sequence ?? []);
        expect(new Set(sequences).size).toBe(sequences.length);
      } finally {
        await ledger.close();
      }
    }),
    { numRuns: options.plans, seed: 1 },
  );
}
