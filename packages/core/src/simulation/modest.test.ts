import { type AnabranchError, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

const part = (n: number): ArrayDataset => ({
  name: "mine",
  features: { dtype: "float", shape: [n, 4], data: Float32Array.from({ length: 4 * n }, (_, i) => Math.sin(i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => (Math.sin(4 * i) > 0 ? 1 : 0)) },
  classes: 2,
});
const executor = { name: "none", version: "", fingerprint: "", float: "float64" } as const;
const nodes = 30;

function prepare(input: ConfigInput) {
  const config = resolveConfig({
    rounds: 12,
    data: { clients: nodes, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    algorithm: { name: "modest" },
    sampler: { cohort: 6 },
    training: { localSteps: 2, batchSize: 4 },
    ...input,
  });
  return { config, prepared: prepareRun(config, { train: part(240), test: part(40) }, executor, 0, "nodes") };
}

async function run(input: ConfigInput = {}, stores = { checkpoints: memoryBlobStore(), rounds: 12 }) {
  const { plan, simulation } = prepare(input).prepared;
  const { backend, evaluator, close } = await inProcessSimulation(simulation, interpreter());
  const events: RunEvent[] = [];
  const emit = (event: RunEvent) => void events.push(event);
  const { checkpoints, rounds } = stores;
  const ports = { backend, evaluator, checkpoints, clientStates: memoryClientStates(), emit };
  const result = await runFederation({ ...plan, rounds }, ports);
  await close();
  const of = <T extends RunEvent["type"]>(type: T) =>
    events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  return { result, cohorts: of("round.started").map(({ cohort }) => cohort), failed: of("client.failed") };
}

const killed: ConfigInput = { churn: { share: 0.8, from: 5 } };
const parametersOf = async (running: ReturnType<typeof run>) => Array.from((await running).result.parameters);

describe("MoDeST", () => {
  it("learns on with the nodes that are left when 80 % stop, without another failure", async () => {
    const { result, cohorts, failed } = await run(killed);
    expect(new Set(failed.map(({ round, code }) => `${round} ${code}`))).toEqual(new Set(["5 client/unresponsive"]));
    expect(cohorts.slice(5).map(({ length }) => length)).toEqual([6, 6, 6, 6, 6, 6, 6]);
    expect(new Set(cohorts.slice(5).flat()).size).toBeLessThanOrEqual(nodes / 5);
    const losses = result.history.map(({ testLoss }) => testLoss!);
    expect(losses.at(-1)!).toBeLessThan(losses[4]!);
    expect(result.stopped).toBe("finished");
  });

  it("picks other nodes with another seed", async () => {
    expect((await run({ seed: 2 })).cohorts).not.toEqual((await run()).cohorts);
  });

  it("counts a message to and from every aggregator, pings and views", async () => {
    const [one, two] = await Promise.all(
      [1, 2].map((aggregators) => run({ algorithm: { name: "modest", aggregators } })),
    );
    const fedavg = await run({ algorithm: { name: "fedavg" } });
    const [down, up] = [fedavg.result.history[0]!.bytesDown, fedavg.result.history[0]!.bytesUp];
    expect(one!.result.history[0]!.bytesDown).toBe(down);
    expect(two!.result.history[0]!.bytesDown).toBe(2 * down);
    const views = (a: number) => 2 * a * 6 * nodes * 12;
    const pings = (a: number) => 16 * (a * 12 + 6 * 2 * a);
    expect(one!.result.history[0]!.bytesUp).toBe(up + views(1) + pings(1));
    expect(two!.result.history[0]!.bytesUp).toBe(2 * up + views(2) + pings(2));
    // both aggregators have the same model
    expect(two!.result.modelHash).toBe(one!.result.modelHash);
  });

  it("continues from a checkpoint with the view that it had", async () => {
    const whole = await parametersOf(run(killed));
    const checkpoints = memoryBlobStore();
    await run(killed, { checkpoints, rounds: 7 });
    expect(await parametersOf(run(killed, { checkpoints, rounds: 12 }))).toEqual(whole);
  });

  it("averages the first models alone where it waits for a part of them", async () => {
    const algorithm = { name: "modest", successFraction: 0.5 };
    const { result } = await run({ algorithm, devices: { speed: "exponential" } });
    expect(result.history.map(({ clients }) => clients)).toEqual(Array.from({ length: 12 }, () => 3));
  });

  it("ends with an error where no node has a model any more", async () => {
    const input: ConfigInput = { churn: { share: 0.96, from: 3 } };
    await expect(run(input)).rejects.toThrow(/no node has the model.*round 3/);
  });
});

describe("clients that stop", () => {
  it("fail in runs with a server from that round on, and come back", async () => {
    const input: ConfigInput = { algorithm: { name: "fedavg" }, churn: { share: 0.5, from: 3, until: 8 } };
    const { cohorts, failed } = await run({ ...input, sampler: { cohort: nodes } });
    expect(failed).toHaveLength(6 * 15);
    expect([Math.min(...failed.map(({ round }) => round)), Math.max(...failed.map(({ round }) => round))]).toEqual([
      3, 8,
    ]);
    expect(cohorts.every(({ length }) => length === nodes)).toBe(true);
  });

  it("can be others in each round", async () => {
    const input: ConfigInput = {
      algorithm: { name: "fedavg" },
      churn: { share: 0.3, per: "round", from: 3, until: 8 },
    };
    const { failed } = await run({ ...input, sampler: { cohort: nodes } });
    const failures = failed.map(({ round }) => round);
    // 180 times 0.3 within three standard deviations
    expect(Math.abs(failed.length - 54)).toBeLessThan(19);
    expect([Math.min(...failures), Math.max(...failures)]).toEqual([3, 8]);
    const times = Map.groupBy(failed, ({ client }) => client);
    expect(times.size).toBeGreaterThan(20); // of 30 clients
    expect(Math.max(...[...times.values()].map(({ length }) => length))).toBeLessThan(6);
    const again = await run({ ...input, sampler: { cohort: nodes } });
    const who = ({ client, round }: { client: number; round: number }) => [round, client];
    expect(again.failed.map(who)).toEqual(failed.map(who));
  });

  it("keep their models in runs of nodes, and take part in no mixing", async () => {
    const input: ConfigInput = { algorithm: { name: "dfedavg" }, topology: { name: "complete" }, sampler: {} };
    const all = await run(input);
    const { result, failed } = await run({ ...input, churn: { share: 0.8, from: 5 } });
    expect(failed).toHaveLength(24 * 8);
    const bytes = result.history.map(({ bytesUp }) => bytesUp);
    expect(bytes[3]).toBe(all.result.history[3]!.bytesUp);
    expect(bytes[4]! / bytes[3]!).toBeCloseTo((6 * 5) / (30 * 29), 3);
  });

  it("are the same whatever the method", async () => {
    const stopped = async (name: string) => {
      const { failed } = await run({
        algorithm: { name },
        sampler: { cohort: nodes },
        churn: { share: 0.3, from: 4, until: 4 },
      });
      return failed.map(({ client }) => client).sort((a, b) => a - b);
    };
    const clients = await stopped("fedavg");
    expect(clients).toHaveLength(9);
    expect(await stopped("modest")).toEqual(clients);
  });
});

describe("a configuration is refused", () => {
  it.each<[string, ConfigInput, string, RegExp]>([
    [
      "with more aggregators than nodes of a round",
      { algorithm: { name: "modest", aggregators: 7 } },
      "algorithm.aggregators",
      /at most sampler.cohort = 6/,
    ],
    ["with a sampler of a server", { sampler: { name: "oort", cohort: 6 } }, "sampler.name", /"hash"/],
    [
      "with the sampler of nodes for a server",
      { algorithm: { name: "fedprox" }, sampler: { name: "hash", cohort: 6 } },
      "sampler.name",
      /"uniform"/,
    ],
    [
      "with a part of models that arrive at once",
      { algorithm: { name: "modest", successFraction: 0.8 } },
      "algorithm.successFraction",
      /1/,
    ],
    [
      "with two numbers of models to wait for",
      { schedule: { keep: 3 }, devices: { speed: "equal" } },
      "schedule.keep",
      /nothing/,
    ],
    ["with rounds that overlap", { schedule: { name: "buffered" } }, "schedule.name", /"synchronous"/],
    ["with secure aggregation", { secureAggregation: { protocol: "plain" } }, "secureAggregation.protocol", /"none"/],
    ["with privacy", { privacy: { mechanism: "gaussian", noiseMultiplier: 1 } }, "sampler.name", /"uniform"/],
    ["with a graph", { topology: { name: "ring" }, sampler: {} }, "algorithm.name", /"dfedavg"/],
    ["with churn after the last round", { churn: { share: 0.5, from: 13 } }, "churn.from", /at most rounds = 12/],
    [
      "with churn that ends before it begins",
      { churn: { share: 0.5, from: 5, until: 4 } },
      "churn.until",
      /at least churn.from = 5/,
    ],
    [
      "with churn per round after the training",
      { churn: { share: 0.5, per: "round", during: "averaging" } },
      "churn.during",
      /"training"/,
    ],
    ["with churn of nobody", { churn: { share: 0.01 } }, "churn.share", /0.0333333/],
    ["with churn of all", { churn: { share: 0.99 } }, "churn.share", /0.966667/],
    ["with keys of churn that is off", { churn: { from: 5 } }, "churn.from", /1/],
    ["with churn of a baseline", { algorithm: {}, baseline: "local-only", churn: { share: 0.5 } }, "churn.share", /0/],
    [
      "with update speed of a sampler that knows none",
      { algorithm: {}, sampler: { name: "oort", updateSpeed: "seconds" } },
      "sampler.updateSpeed",
      /nothing/,
    ],
    [
      "with times of clients without devices",
      { algorithm: {}, sampler: { name: "hetero-select", updateSpeed: "seconds" } },
      "sampler.updateSpeed",
      /"staleness"/,
    ],
  ])("%s", (_title, input, where, expected) => {
    let failure: AnabranchError["failure"] | undefined;
    try {
      prepare(input);
    } catch (error) {
      failure = (error as AnabranchError).failure;
    }
    expect(failure).toMatchObject({ where, expected: expect.stringMatching(expected) });
    expect(failure!.advice).toBeDefined();
  });

  it("in a live run", () => {
    const live = (input: ConfigInput) => {
      const { config, prepared } = prepare(input);
      return () => forLiveClients(prepared, config);
    };
    expect(live({})).toThrow(/algorithm.name.*a method with a server, e.g. "fedavg"/);
    expect(live({ algorithm: {}, churn: { share: 0.5 } })).toThrow(/churn.share.*Churn is simulated/);
  });
});
