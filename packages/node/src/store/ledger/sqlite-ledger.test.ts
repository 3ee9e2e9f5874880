import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ledgerCases } from "@anabranch/core/conformance";
import { MemoryLedgers } from "@anabranch/core/live";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLedger } from "./open-ledger.ts";
import { killAccepting } from "./testing/kill-accepting.ts";
import { agreesWithModel } from "./testing/ledger-model.ts";

let folder: string;
let count = 0;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-ledger-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const create = async () => {
  const path = join(folder, `${count++}.sqlite`);
  return () => openLedger(path, "run");
};

describe("SQLite ledger", () => {
  for (const { name, run } of ledgerCases(create)) it(name, run);

  it("agrees with the model after random calls, several at once", () => agreesWithModel(create, { plans: 25 }));

  it("keeps several runs in one file, each open once", async () => {
    const path = join(folder, "ledger.sqlite");
    const [one, other] = await Promise.all([openLedger(path, "one"), openLedger(`sqlite:${path}`, "other")]);
    for (const ledger of [one, other]) {
      await ledger.giveOrder({ id: "1/1/0", client: 1, version: 1, broadcast: "b" });
      expect(await ledger.acceptUpdate("1/1/0", "u")).toBe("accepted");
      expect(await ledger.order("1/1/0")).toMatchObject({ sequence: 1 });
    }
    await other.forgetBefore(2);
    expect(await one.order("1/1/0")).toBeDefined();
    expect(await one.forgetBefore(2)).toEqual(["u"]);
    await Promise.all([one.close(), other.close()]);
    expect(await readdir(folder)).toEqual(["ledger.sqlite"]);
  });

  it("has every reported acceptance once after its process is killed", async () => {
    const { reported } = await killAccepting(join(folder, "ledger.sqlite"), 3);
    expect(reported).toBeGreaterThan(3);
  });
});

describe("memory ledger", () => {
  it("agrees with the model after random calls, several at once", () =>
    agreesWithModel(
      async () => {
        const ledgers = new MemoryLedgers();
        return () => ledgers.open("run");
      },
      { plans: 300 },
    ));
});
