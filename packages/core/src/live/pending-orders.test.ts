import { describe, expect, it } from "vitest";
import type { Order } from "../round/backend.ts";
import { blobName } from "./content-hash.ts";
import type { Ledger } from "./ports.ts";
import { join, type Opened, open } from "./testing/hand.ts";

const ORDER: Order = {
  ...{ id: "1/2/0", client: 2, version: 1, part: undefined, learningRate: 0.1, keys: {} },
  loadState: async () => undefined,
};
const MODEL = { round: 1, vectors: { parameters: new Float64Array(3) }, scalars: {} };

/** Has the next call of a method of the ledger wait until it is let through. */
function hold(ledger: Ledger, name: "order" | "giveOrder"): () => void {
  const call = ledger[name].bind(ledger) as (...given: unknown[]) => Promise<never>;
  const { promise, resolve } = Promise.withResolvers<void>();
  ledger[name] = async (...given: unknown[]) => {
    ledger[name] = call;
    await promise;
    return call(...given);
  };
  return resolve;
}

const settled = ({ timers }: Opened) => timers.run(() => true);

/** A server with client 2 and a model that it can train on. */
async function opened(): Promise<Opened> {
  const all = await open();
  await join(all, 7, { client: 2 });
  await all.server.backend.publish(1, MODEL);
  return all;
}

describe("an order that is not in the ledger yet", () => {
  it("stays failed once it has failed, for a server that is started again too", async () => {
    const all = await opened();
    const { server, ledger } = all;
    const letThrough = hold(ledger, "giveOrder");
    server.backend.submit(ORDER);
    await server.eject(2);
    await settled(all);
    letThrough();
    expect(await server.backend.outcome(ORDER.id)).toMatchObject({ failure: { code: "live/ejected" } });
    await settled(all);
    expect((await ledger.order(ORDER.id))?.status).toBe("closed");
  });

  it("stays closed once nobody needs it, and is not sent", async () => {
    const all = await open();
    const { server, ledger } = all;
    await server.backend.publish(1, MODEL);
    const letThrough = hold(ledger, "giveOrder");
    server.backend.submit(ORDER);
    const released = server.backend.release(ORDER.id);
    letThrough();
    await released;
    expect((await ledger.order(ORDER.id))?.status).toBe("closed");
    const hand = await join(all, 7, { client: 2 });
    expect(hand.received.filter(({ type }) => type === "task")).toEqual([]);
  });

  it("keeps its update where a server before has accepted one, whatever the client does now", async () => {
    const all = await opened();
    const { server, ledger, blobs } = all;
    const [broadcast] = await blobs.list("blobs/");
    await ledger.giveOrder({ ...ORDER, broadcast: broadcast!.slice(blobName("").length) });
    await ledger.acceptUpdate(ORDER.id, "a".repeat(64));
    const letThrough = hold(ledger, "order");
    server.backend.submit(ORDER);
    await server.eject(2);
    await settled(all);
    letThrough();
    // what was accepted is read, though here it is not in the store
    expect(await server.backend.outcome(ORDER.id)).toMatchObject({ failure: { code: "live/blob" } });
  });
});
