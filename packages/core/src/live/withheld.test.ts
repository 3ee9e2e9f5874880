import { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { secureRun } from "../conformance/small-live-run.ts";
import { decodeUpdate, encodeUpdate, type PublicMetadata } from "../protocol/index.ts";
import { readUpdate } from "./read-update.ts";
import { describeTask } from "./task-description.ts";
import { Hand, hello, open, prove, ready } from "./testing/hand.ts";
import { areWithheld, toldFailure, WITHHELD } from "./withheld.ts";

const { config, live } = secureRun("bonawitz");
const { stages } = live.plan;

describe("metadata of an update under secure aggregation", () => {
  const order = { id: "1/0/0", client: 0, version: 1 };
  const read = (metadata: PublicMetadata) => {
    const bytes = encodeUpdate({ round: 1, client: 0, layoutHash: "l", vectors: {}, public: metadata });
    return readUpdate(bytes, order, 0, { examples: "withheld", maxBytes: 4096 });
  };

  it("are the same for every client", () => {
    expect(read(WITHHELD)).toHaveProperty("update");
    const bytes = encodeUpdate({ round: 1, client: 0, layoutHash: "l", vectors: {}, public: WITHHELD });
    expect(areWithheld(decodeUpdate(bytes).public)).toBe(true);
  });

  it.each<[string, Partial<PublicMetadata>]>([
    ["examples", { examples: 10 }],
    ["steps", { steps: 3 }],
    ["a weight", { weight: 10 }],
    ["a loss", { loss: 0.5 }],
    ["times", { seconds: 3 }],
    ["a part", { part: 0 }],
  ])("are refused with %s", (_what, more) => {
    expect(read({ ...WITHHELD, ...more })).toMatchObject({ failure: { code: "live/metadata" } });
  });
});

describe("a server of a run with secure aggregation", () => {
  const joined = async (more: object) => {
    const opened = await open({ description: describeTask(config, live) });
    const hand = new Hand(opened);
    await hand.say(hello(1, opened.token));
    await hand.say(prove(1, hand.nonce));
    const { layoutHash, programHash } = describeTask(config, live);
    await hand.say(ready({ layoutHash, programHash, ...more }));
    return { hand, server: opened.server };
  };

  it("hears of no number of examples", async () => {
    const { hand, server } = await joined({ examples: undefined });
    expect(hand.closed).toBe(false);
    expect(server.status().clients[0]!.examples).toBeUndefined();
  });

  it("refuses a client that reports it", async () => {
    const { hand, server } = await joined({ examples: 12 });
    expect(hand.refused).toBe("live/examples");
    expect(server.status().clients[0]!.examples).toBeUndefined();
  });
});

describe("what a server hears of a failure", () => {
  const error = new AnabranchError({ code: "client/not-finite", message: "loss 17.25 of 12 examples" });

  it("has no text of the client under secure aggregation", () => {
    expect(toldFailure(error, { ...stages, secureAggregation: undefined }).message).toContain("17.25");
    const told = toldFailure(error, stages);
    expect(told.code).toBe("client/not-finite");
    expect(told.message).not.toMatch(/\d/);
  });
});
