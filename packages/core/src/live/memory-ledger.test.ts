import { describe, expect, it } from "vitest";
import { ledgerCases } from "../conformance/index.ts";
import { MemoryLedgers } from "./memory-ledger.ts";

describe("memory ledger", () => {
  const create = async () => {
    const ledgers = new MemoryLedgers();
    return () => ledgers.open("run");
  };
  for (const { name, run } of ledgerCases(create)) it(name, run);

  it("keeps runs apart, and its own copies", async () => {
    const ledgers = new MemoryLedgers();
    const [one, other] = [await ledgers.open("one"), await ledgers.open("other")];
    const labels = { site: "a" };
    await one.putClient({ client: 1, publicKey: "k", name: "n", labels, status: "enrolled", token: "" });
    labels.site = "b";
    expect(await one.clients()).toMatchObject([{ labels: { site: "a" } }]);
    expect(await other.clients()).toEqual([]);
  });
});
