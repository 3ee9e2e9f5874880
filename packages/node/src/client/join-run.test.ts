import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientReport } from "@anabranch/core/live";
import { AnabranchError, type Executor } from "@anabranch/engine";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openExecutor } from "../executors.ts";
import { type JoinOptions, joinRun } from "./join-run.ts";
import { parseJoinUrl } from "./join-url.ts";
import { LiveSite, simulated } from "./testing/live-site.ts";
import { pointsCsv, pointsRun } from "./testing/points-run.ts";

let executor: Executor;
let folder: string;
let run: Awaited<ReturnType<typeof pointsRun>>;
let site: LiveSite;

beforeAll(async () => {
  executor = await openExecutor("onnxruntime-node");
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-join-"));
  run = await pointsRun(folder, executor, { data: { holdout: 0.2 }, evaluation: { clientEvery: 1 } });
  site = await LiveSite.open(run.prepared, run.description);
});

afterEach(async () => {
  await site.close();
  await rm(folder, { recursive: true });
});

/** One client. */
async function client(number: number, more: Partial<JoinOptions> = {}, events: ClientReport[] = []) {
  return joinRun({
    address: parseJoinUrl(await site.link()),
    trust: { kind: "authorities" },
    data: run.dataset,
    client: number,
    dataDir: undefined,
    name: `client of the test ${number}`,
    labels: { site: "north" },
    folder: join(folder, `client-${number}`),
    limits: {},
    algorithm: undefined,
    executor: "onnxruntime-node",
    giveUpAfterSeconds: 60,
    signal: new AbortController().signal,
    report: (event) => events.push(event),
    warn: () => {},
    ...more,
  });
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "no failure",
    (error: unknown) => (error instanceof AnabranchError ? error.code : String(error)),
  );

describe("clients of a live run", { timeout: 120_000 }, () => {
  it("end with the model of the simulation", async () => {
    const events: ClientReport[] = [];
    const [result, ...ends] = await Promise.all([site.train(executor), client(0, {}, events), client(1), client(2)]);
    expect(result.modelHash).toBe((await simulated(run.prepared, executor)).modelHash);
    for (const end of ends) expect(end).toEqual({ stopped: "finished", round: 3, modelHash: result.modelHash });
    expect(events.filter(({ type }) => type === "uploaded")).toHaveLength(3);
    expect(events.filter(({ type }) => type === "evaluated")).toHaveLength(3);
    expect(site.live.status().clients[0]).toMatchObject({ name: "client of the test 0", labels: { site: "north" } });
  });

  it("take part with data of their own, and come back after they have left", async () => {
    const own = async (number: number) => {
      const path = join(folder, `own-${number}.csv`);
      await writeFile(path, pointsCsv(20, 1000 * number));
      return { data: `csv:${path}`, client: undefined };
    };
    const training = site.train(executor);
    const leaving = new AbortController();
    const first = client(0, { ...(await own(0)), signal: leaving.signal });
    const others = [client(1, await own(1))];
    await expect.poll(() => site.notices.filter(({ type }) => type === "joined").length, { timeout: 40_000 }).toBe(2);
    leaving.abort();
    expect(await first).toEqual({ stopped: "left", round: 0, modelHash: undefined });
    await expect.poll(() => site.notices).toContainEqual({ type: "gone", client: expect.any(Number), left: true });
    others.push(client(0, await own(0)), client(2, await own(2)));
    for (const end of await Promise.all(others)) expect(end.stopped).toBe("finished");
    expect((await training).history).toHaveLength(3);
  });

  it("are refused with a reason, and leave their folder to others", async () => {
    const address = { ...parseJoinUrl(await site.link()), token: "none" };
    expect(await codeOf(client(0, { address }))).toBe("live/token");
    expect(await codeOf(client(0, { address: { ...address, run: "other" } }))).toBe("live/run");
    expect(await codeOf(client(0, { limits: { work: 1 } }))).toBe("client/limit");
    expect(await codeOf(client(0, { executor: "none" }))).toBe("executor/unknown");
    expect(await codeOf(client(0, { algorithm: "missing.ts" }))).toMatch(/^local\//);
  });

  it("give up where there is no server for too long", async () => {
    const events: ClientReport[] = [];
    const address = { ...parseJoinUrl(await site.link()), base: "http://127.0.0.1:9", origin: "http://127.0.0.1:9" };
    expect(await codeOf(client(0, { address, giveUpAfterSeconds: 2 }, events))).toBe("live/unreachable");
    const reasons = events.flatMap((event) => (event.type === "disconnected" ? [event.reason] : []));
    expect(new Set(reasons)).toEqual(new Set(["nothing answers at this address and port"]));
    expect(reasons.length).toBeGreaterThan(1);
  });
});
