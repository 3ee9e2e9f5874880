import { describe, expect, it } from "vitest";
import { join, open } from "./testing/hand.ts";

/** The model of a version. */
const model = (version: number, value: number) => ({
  ...{ round: version, vectors: { parameters: new Float64Array(3).fill(value) }, scalars: {} },
});
const codeOf = (released: Promise<void> | void) =>
  Promise.resolve(released).then(
    () => "released",
    (error: { code: string }) => error.code,
  );

/** A private run whose server trained a round and died; the next server has its ledger. */
async function afterRound(round: number) {
  const opened = await open({ releasesOnce: true });
  for (let version = 1; version <= round; version++) {
    await opened.server.backend.publish(version, model(version, version));
    await opened.server.clientStates.commit(version);
  }
  return opened;
}

describe("a private run never makes a second model of a version", () => {
  it("where a checkpoint was changed and the first cohort has left", async () => {
    const opened = await open({ releasesOnce: true });
    const { backend } = opened.server;
    await backend.publish(1, model(1, 1));
    expect(await codeOf(opened.server.backend.publish(1, model(1, 1)))).toBe("released");
    // nobody of the first cohort is there: no order of this client is in the ledger
    const hand = await join(opened, 7);
    expect(await codeOf(backend.publish(1, model(1, 2)))).toBe("live/second-release");
    expect(hand.received.some(({ type }) => type === "task")).toBe(false);
  });

  it("where an older checkpoint was restored, even one older than all orders in the ledger", async () => {
    const { server } = await afterRound(9);
    for (const version of [1, 5, 9])
      expect(await codeOf(server.backend.publish(version, model(version, version)))).toBe("live/second-release");
    expect(await codeOf(server.backend.publish(10, model(10, 10)))).toBe("released");
  });

  it("of the last round, which no client is sent", async () => {
    const { server } = await afterRound(3);
    expect(await codeOf(server.backend.publish(3, model(3, 3)))).toBe("live/second-release");
  });

  it("where the ledger is gone", async () => {
    const { server } = await open({ releasesOnce: true });
    expect(await codeOf(server.backend.publish(4, model(4, 4)))).toBe("live/lost-ledger");
  });

  it("but other runs may go back to an older checkpoint", async () => {
    const { server } = await open({ releasesOnce: false });
    for (const version of [1, 2, 1])
      expect(await codeOf(server.backend.publish(version, model(version, 0)))).toBe("released");
  });
});
