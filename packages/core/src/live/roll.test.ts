import { expect, it } from "vitest";
import { VirtualTimers } from "../conformance/virtual-timers.ts";
import { MemoryLedgers } from "./memory-ledger.ts";
import type { Ledger } from "./ports.ts";
import { Roll } from "./roll.ts";

const APPLICANT = { publicKey: "key", token: "token", name: undefined, labels: {}, client: undefined };

/** A roll whose ledger takes a client only as `put` says. */
async function rollOf(put: (write: () => Promise<void>) => Promise<void>) {
  const ledger = await new MemoryLedgers().open("run");
  const shaky: Ledger = new Proxy(ledger, {
    get(target, name) {
      if (name === "putClient") return (client: never) => put(() => target.putClient(client));
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const roll = await Roll.open(shaky, new VirtualTimers(), 4);
  await roll.addToken(APPLICANT.token, { expires: undefined, client: undefined, places: undefined });
  return { roll, ledger };
}

it("a client that could not be stored has not joined, and joins when it comes again", async () => {
  let tries = 0;
  const { roll, ledger } = await rollOf((write) => (++tries === 1 ? Promise.reject(new Error("no room")) : write()));
  await expect(roll.admit(APPLICANT)).rejects.toThrow("no room");
  expect(roll.clients).toEqual([]);
  expect(await roll.admit(APPLICANT)).toMatchObject({ client: { client: 0 } });
  expect(await ledger.clients()).toMatchObject([{ client: 0, publicKey: "key" }]);
});

it("a client that comes again while it is stored waits for that", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  const { roll } = await rollOf(() => promise);
  const admissions = [roll.admit(APPLICANT), roll.admit(APPLICANT)];
  reject(new Error("no room"));
  const outcomes = await Promise.allSettled(admissions);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});
