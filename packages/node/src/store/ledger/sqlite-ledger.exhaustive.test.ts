import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLedger } from "./open-ledger.ts";
import { killAccepting } from "./testing/kill-accepting.ts";
import { agreesWithModel } from "./testing/ledger-model.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-ledger-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("SQLite ledger, at length", () => {
  it("has every reported acceptance once after its process is killed 20 times", async () => {
    const { reported } = await killAccepting(join(folder, "ledger.sqlite"), 20);
    expect(reported).toBeGreaterThan(20);
  });

  it("agrees with the model in 200 random plans", async () => {
    let count = 0;
    const create = async () => {
      const path = join(folder, `${count++}.sqlite`);
      return () => openLedger(path, "run");
    };
    await agreesWithModel(create, { plans: 200 });
  });
});
