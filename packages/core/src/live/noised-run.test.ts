import { describe, expect, it } from "vitest";
import type { ConfigInput } from "../config/index.ts";
import { HEALTHY } from "../conformance/fault-source.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { crashServerAt, noisedRun, simulateParticipants, simulateSmall } from "../conformance/small-live-run.ts";
import { decodeUpdate } from "../protocol/index.ts";
import { WITHHELD } from "./withheld.ts";

function federationOf({ config, live }: ReturnType<typeof noisedRun>, seededNoise = false): SimulatedFederation {
  const federation = new SimulatedFederation(config, live, 1, HEALTHY);
  federation.seededNoise = seededNoise;
  return federation;
}

/** Has client 2 die with its masks when it has shared their seeds. */
function killClient(federation: SimulatedFederation): void {
  let killed = false;
  federation.crashNow = (client, report) => {
    if (killed || client !== 2 || report.type !== "answered" || report.stage !== "share") return false;
    killed = true;
    return true;
  };
}

describe("a live run whose clients add noise", () => {
  it.each([
    "bonawitz",
    "secagg+",
    "lightsecagg",
  ] as const)("ends with the model of the simulation, with noise from its keys: %s", async (protocol) => {
    const run = noisedRun(protocol);
    const federation = federationOf(run, true);
    const { modelHash, stopped } = await federation.run();
    expect(stopped).toBe("finished");
    expect([...federation.observer.survivors.values()].map(({ length }) => length)).toEqual([4, 4]);
    expect(modelHash).toBe((await simulateSmall(run.prepared)).modelHash);
  });

  it("has another model each time with noise from the platform", async () => {
    const run = noisedRun();
    const hashes = [await federationOf(run).run(), await federationOf(run).run(), await simulateSmall(run.prepared)];
    expect(new Set(hashes.map(({ modelHash }) => modelHash)).size).toBe(3);
  });

  it("shows the server no metric, not even in sums", async () => {
    const federation = federationOf(noisedRun());
    const uploads: Uint8Array[] = [];
    federation.network.tap = (message) => void (typeof message === "string" || uploads.push(message));
    await federation.run();
    for (const upload of uploads) expect(decodeUpdate(upload).public).toEqual(WITHHELD);
    for (const event of federation.log.events.filter(({ type }) => type === "round.finished")) {
      expect(event).toMatchObject({ loss: null, clientLossMin: null, clientLossMax: null, clients: 4 });
      expect(event).not.toHaveProperty("examples");
      expect(event).not.toHaveProperty("steps");
    }
  });

  it("releases a sum with as many shares as planned, and counts who is in it after it is unmasked", async () => {
    const run = noisedRun("bonawitz", { rounds: 1 });
    const federation = federationOf(run, true);
    killClient(federation);
    const { modelHash } = await federation.run();
    expect(Object.fromEntries(federation.observer.survivors)).toEqual({ 1: [0, 1, 3] });
    expect(modelHash).toBe((await simulateParticipants(run.prepared, federation.observer.survivors)).modelHash);
  });

  it("releases nothing of a round with fewer shares, and counts the round", async () => {
    const privacy = { mechanism: "discrete-gaussian", clipNorm: 0.5, noiseMultiplier: 1, delta: 1e-3 } as const;
    const run = noisedRun("bonawitz", { rounds: 1, privacy: { ...privacy, minimumSurvivors: 4 } });
    const federation = federationOf(run);
    killClient(federation);
    const { parameters } = await federation.run();
    expect([...federation.observer.survivors]).toEqual([]);
    expect(Array.from(parameters)).toEqual(Array.from(run.live.plan.initial));
    const ended = federation.log.events.find(({ type }) => type === "round.finished");
    const { account } = run.live.plan;
    expect(ended).toMatchObject({ privacy: { epsilon: account!.epsilonAfter(1) } });
    expect(account!.epsilonAfter(1)).toBeGreaterThan(0);
  });

  it("does not show the server whose training diverged: that client sends zeros with its noise", async () => {
    const run = noisedRun("bonawitz", { training: { batchSize: 4, localSteps: 3, learningRate: 1e300 } });
    const federation = federationOf(run, true);
    const { modelHash } = await federation.run();
    expect([...federation.observer.survivors.values()].map(({ length }) => length)).toEqual([4, 4]);
    expect(federation.log.events.filter(({ type }) => type === "client.failed")).toEqual([]);
    expect(modelHash).toBe((await simulateSmall(run.prepared)).modelHash);
  });

  it("has one sum of a round whose server dies between masks and their removal", async () => {
    for (const stage of ["mask", "consistency"]) {
      const federation = federationOf(noisedRun("bonawitz", { rounds: 1 }));
      crashServerAt(federation, stage);
      await federation.run();
      expect(federation.crashes.server, stage).toBe(1);
      expect(federation.observer.unmasked, stage).toEqual([1]);
    }
  });

  it("has no second sum of a round whose server dies once clients have helped to unmask it", async () => {
    const federation = federationOf(noisedRun());
    let answered = 0;
    federation.crashNow = (_client, report) => {
      if (report.type === "answered" && report.stage === "unmask" && ++answered === 4) federation.crashServer();
      return false;
    };
    await federation.run();
    expect([...federation.observer.survivors.keys()]).toEqual([2]);
    expect(federation.observer.unmasked).toEqual([2]);
  });
});

/**
 * Mean square of the noise of a release over that of so many shares: model changes times the denominator, in a run whose
 * clients learn nothing. The sum of n squares of normal numbers over n deviates from 1 by sqrt(2 / n).
 */
async function noiseOf(survivors: number, lost: boolean): Promise<{ readonly ratio: number; readonly n: number }> {
  const more = { training: { batchSize: 4, localSteps: 1, learningRate: 1e-12 }, model: { name: "mlp", hidden: [64] } };
  const run = noisedRun("bonawitz", { ...more, rounds: 1 } as ConfigInput);
  const { initial, stages } = run.live.plan;
  let [squares, n] = [0, 0];
  for (let i = 0; i < 6; i++) {
    const federation = federationOf(run);
    if (lost) killClient(federation);
    const { parameters } = await federation.run();
    expect(federation.observer.survivors.get(1)).toHaveLength(lost ? 3 : 4);
    for (const [j, value] of parameters.entries()) squares += (4 * (value - initial[j]!)) ** 2;
    n += initial.length;
  }
  const { clipNorm, noiseMultiplier, minimumSurvivors } = stages.privacy!;
  const planned = ((noiseMultiplier * clipNorm) ** 2 * survivors) / minimumSurvivors;
  return { ratio: squares / n / planned, n };
}

describe("the noise of a sum", () => {
  // 4.2 deviations, 12 %, and one share less moves the ratio by 25 %: either error has a chance below 1e-4
  const within = ({ ratio, n }: { ratio: number; n: number }) => Math.abs(ratio - 1) < 4.2 * Math.sqrt(2 / n);

  it("is that of all shares in it", async () => {
    expect(within(await noiseOf(4, false))).toBe(true);
    expect(within(await noiseOf(3, true))).toBe(true);
  });

  it("is less where a share is missing, which this test would notice", async () => {
    expect(within(await noiseOf(4, true))).toBe(false);
  });
});
