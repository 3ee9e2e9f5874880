import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientReport } from "@anabranch/core/live";
import { expect, it } from "vitest";
import { pointsRun } from "../client/testing/points-run.ts";
import { openExecutor } from "../executors.ts";
import { JoinView } from "./join-view.ts";
import type { Output } from "./output.ts";

it("shows a client its epsilon and what that assumes, before it trains", async ({ onTestFinished }) => {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-join-view-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { description } = await pointsRun(folder, await openExecutor("onnxruntime-node"), {
    algorithm: { name: "dp-fedavg" },
    privacy: { mechanism: "skellam", noiseMultiplier: 1, delta: 1e-3, minimumSurvivors: 3 },
    secureAggregation: { protocol: "bonawitz" },
  });
  const printed: string[] = [];
  const print = (text: string) => void printed.push(text);
  const output = { json: false, quiet: false, print, note: print } as unknown as Output;
  const colluding = { clients: 1, epsilon: 9.25 };
  const privacy = { epsilon: 7.5, delta: 1e-3, rounds: 3, shares: 3, colluding };
  const joined: ClientReport = { type: "joined", client: 1, description, examples: 40, privacy };
  new JoinView(output, "https://example.org", 60).report(joined);
  const text = printed.join("\n");
  expect(text).toContain("sent: masked model updates with noise: the server sees their sum.");
  expect(text).toContain("epsilon at most 7.5 at delta 0.001 over 3 rounds, also against the server.");
  expect(text).toContain("assumed: 3 clients in each sum add their noise");
  expect(text).toContain("If 1 client of these add none or work with the server, epsilon is 9.25.");
  expect(text).not.toContain("number of examples");
});
