import { afterAll, beforeAll, expect, it } from "vitest";
import { fuzzServer } from "./testing/fuzz-routes.ts";
import { type Served, serveTrial } from "./testing/served.ts";

let served: Served;
beforeAll(async () => {
  served = await serveTrial();
}, 60_000);
afterAll(() => served.close(), 30_000);

it("thousands of random requests, bytes and frames neither fail in the server nor end it", async () => {
  const seen = await fuzzServer(served, { requests: 20_000, connections: 2000 });
  expect(seen, seen).toMatch(/"200".*"400".*"401".*"404".*"415"/);
}, 600_000);
