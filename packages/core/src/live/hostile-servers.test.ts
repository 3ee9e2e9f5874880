import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { smallRun } from "../conformance/small-live-run.ts";
import { VirtualTimers } from "../conformance/virtual-timers.ts";
import type { ClientReport } from "./client-report.ts";
import { runLiveClient } from "./live-client.ts";
import type { ClientTransport } from "./ports.ts";
import { describeTask, type TaskDescription } from "./task-description.ts";

const { config, prepared } = smallRun({ name: "fedavg" });
const honest = describeTask(config, prepared);
const nothing = () => Promise.reject(new Error("not in this test"));

/** A client of a server that says these things, and that the run is over once an order has failed that was possible. */
async function clientOf(description: TaskDescription, ...messages: readonly object[]) {
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
    executor: interpreter(),
    data: async () => ({ train: source.load(0) }),
    report(event) {
      reports.push(event);
      if (event.type === "failed" && event.code !== "live/too-large")
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
});
