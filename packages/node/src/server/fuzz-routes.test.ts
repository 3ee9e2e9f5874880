import { afterAll, beforeAll, expect, it } from "vitest";
import { fuzzServer } from "./testing/fuzz-routes.ts";
import { type Served, serveTrial } from "./testing/served.ts";

let served: Served;
beforeAll(async () => {
  served = await serveTrial();
}, 60_000);
afterAll(() => served.close(), 30_000);

it("random requests, bytes and frames neither fail in the server nor end it", { timeout: 120_000 }, async () => {
  expect(await fuzzServer(served, { requests: 800, connections: 80 })).toContain("401");
});
