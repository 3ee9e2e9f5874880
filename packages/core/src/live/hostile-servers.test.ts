import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { secureRun, smallRun } from "../conformance/small-live-run.ts";
import { VirtualTimers } from "../conformance/virtual-timers.ts";
import { portableCurves } from "../privacy/secure-aggregation/curves.ts";
import type { ClientReport } from "./client-report.ts";
import { runLiveClient } from "./live-client.ts";
import type { ClientTransport, SecureRecords } from "./ports.ts";
import { describeTask, type TaskDescription } from "./task-description.ts";
import { memoryRecords } from "./testing/secure-clients.ts";

const { config, prepared } = smallRun({ name: "fedavg" });
const honest = describeTask(config, prepared);
const nothing = () => Promise.reject(new Error("not in this test"));

/** A client of a server that says these things, and that the run is over once an order has failed that was possible. */
async function clientOf(description: TaskDescription, ...messages: readonly object[]) {
  return rememberingClientOf(memoryRecords(), description, ...messages);
}

/** The same, of a client that remembers this of secure aggregation. */
async function rememberingClientOf(
  records: SecureRecords,
  description: TaskDescription,
  ...messages: readonly object[]
) {
  const reports: ClientReport[] = [];
  const downloads: number[] = [];
  const timers = new VirtualTimers();
  let say = (_message: object) => {};
  const transport: ClientTransport = {
    origin: "https://server.example",
    async connect({ message }) {
      say = (it) => message(JSON.stringify(it));
      const welcome = { type: "welcome", client: 0, session: "s", description, progressSeconds: 60 };
      timers.after(0, () => [welcome, ...messages].forEach(say));
      return { send: () => {}, close: () => {} };
    },
    download(_session, _hash, bytes) {
      downloads.push(bytes);
      return nothing();
    },
    upload: nothing,
  };
  const source = openDataSource(prepared.simulation.train);
  const ended = runLiveClient({
    ...{ run: honest.run, token: "t", transport, timers, random: () => 0, giveUpAfterSeconds: 60 },
    identity: { publicKey: "", sign: async () => new Uint8Array(64) },
    states: { load: async () => undefined, save: async () => {} },
    records,
    curves: portableCurves(), // virtual time does not wait for the platform's
    executor: interpreter(),
    data: async () => ({ train: source.load(0) }),
    report(event) {
      reports.push(event);
      const last = messages.at(-1);
      if (event.type === "failed" && last !== undefined && "order" in last && last.order === event.order)
        say({ type: "finished", round: 1, stopped: "finished", modelHash: "" });
    },
  }).then(
    ({ stopped }) => stopped,
    (error: unknown) => error,
  );
  let over = false;
  void ended.then(() => {
    over = true;
  });
  await timers.run(() => over);
  return { ended: await ended, reports, downloads };
}

describe("a client", () => {
  it("takes no description of another run: its kept states lie below the name of the run", async () => {
    for (const run of ["other", "../other"]) {
      const { ended } = await clientOf({ ...honest, run });
      expect(ended).toMatchObject({ failure: { code: "live/run" } });
    }
  });

  it("downloads nothing that is larger than a model of the run can be", async () => {
    const task = { type: "task", version: 1, blob: "0".repeat(64), learningRate: 1, keys: {} };
    const { ended, reports, downloads } = await clientOf(
      honest,
      { ...task, order: "1/0/0", bytes: 2 ** 40 },
      { ...task, order: "2/0/0", bytes: 1000 },
    );
    expect(ended).toBe("finished");
    const codes = reports.flatMap((event) => (event.type === "failed" ? [`${event.order} ${event.code}`] : []));
    expect(codes).toEqual(["1/0/0 live/too-large", expect.stringMatching(/^2\/0\/0 /)]);
    expect(downloads).toEqual([1000]);
  });

  it("downloads coefficients and probabilities of many directions of a small model", async () => {
    const seeds = 20_000;
    const pool = smallRun({ name: "fedkseed", seeds, pro: true });
    const task = { type: "task", version: 1, blob: "0".repeat(64), learningRate: 1, keys: {} };
    const bytes = 2 * 8 * seeds + 300; // names beside them
    const { downloads } = await clientOf(
      describeTask(pool.config, pool.live),
      { ...task, order: "1/0/0", bytes },
      { ...task, order: "2/0/0", bytes: bytes + 100_000 },
    );
    expect(downloads).toEqual([bytes]);
  });

  it("trains no more than the rounds of the run need, whatever orders it is given", async () => {
    const task = { type: "task", version: 1, blob: "0".repeat(64), bytes: 1000, learningRate: 1, keys: {} };
    const orders = Array.from({ length: 100 }, (_, i) => ({ ...task, order: `1/0/${i}` }));
    const { reports, downloads } = await clientOf(honest, ...orders);
    const limited = reports.filter((event) => event.type === "failed" && event.code === "client/limit");
    expect([downloads.length, limited.length]).toEqual([4 * honest.rounds, 100 - 4 * honest.rounds]);
  });

  it("keeps no flood of messages while it prepares", async () => {
    const flood = Array.from({ length: 5000 }, () => ({ type: "closed", order: "1/0/0", code: "late" }));
    const { ended, reports } = await clientOf(honest, ...flood);
    expect(ended).toMatchObject({ failure: { code: "client/limit" } });
    expect(reports.filter(({ type }) => type !== "connecting")).toEqual([]);
    const { ended: patient } = await clientOf(honest, ...flood.slice(0, 4000), {
      type: "finished",
      round: 1,
      stopped: "finished",
      modelHash: "",
    });
    expect(patient).toBe("finished");
  });

  it("builds its programs once, whatever else the server describes later", async () => {
    const welcome = { type: "welcome", client: 0, session: "s", progressSeconds: 60 };
    const changed = { ...honest, budget: { localSteps: 4 } };
    expect((await clientOf(honest, { ...welcome, description: changed })).ended).toMatchObject({
      failure: { code: "live/changed-run" },
    });
  });

  it("evaluates nothing for a server that is to see sums alone", async () => {
    const secure = secureRun("bonawitz");
    const description = describeTask(secure.config, secure.live);
    const order = { type: "evaluate", order: "evaluation-1", blob: "0".repeat(64), bytes: 1000 };
    const { reports, downloads } = await clientOf(description, order);
    expect(reports).toContainEqual(expect.objectContaining({ type: "failed", code: "live/order" }));
    expect(downloads).toEqual([]);
  });

  it("sends no plain update of a run in which it has masked one, also after a restart", async () => {
    const records = memoryRecords();
    await records.save(honest.run, { round: 1, terms: "0".repeat(64), answered: true, keys: {} });
    const task = { type: "task", version: 1, blob: "0".repeat(64), bytes: 1000, learningRate: 1, keys: {} };
    const { ended, downloads } = await rememberingClientOf(records, honest, { ...task, order: "1/0/0" });
    expect(ended).toMatchObject({ failure: { code: "secure-aggregation/no-masks" } });
    expect(downloads).toEqual([]);
  });
});
