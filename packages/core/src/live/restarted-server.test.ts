import { AnabranchError } from "@anabranch/engine";
import { expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { memoryRecords, memoryStates } from "../conformance/client-memory.ts";
import { federationParts } from "../conformance/federation-parts.ts";
import { quickIdentity } from "../conformance/quick-curves.ts";
import { smallRun } from "../conformance/small-live-run.ts";
import { VirtualTimers } from "../conformance/virtual-timers.ts";
import { runLiveClient } from "./live-client.ts";
import type { ClientTransport } from "./ports.ts";

const failing = (code: string) => new AnabranchError({ code, message: "of this test" });

it("a client waits to be given its order again by a server that does not have its model yet", async () => {
  const { config, prepared } = smallRun({ name: "fedavg" });
  const { description, executor, curves } = await federationParts(config, prepared);
  const timers = new VirtualTimers();
  const task = { type: "task", order: "1/0/0", version: 1, blob: "0".repeat(64), bytes: 9, learningRate: 1, keys: {} };
  let connections = 0;
  let say = (_message: object) => {};
  let hangUp = () => {};
  const downloads: string[] = [];
  const transport: ClientTransport = {
    origin: "https://server.example",
    async connect({ message, closed }) {
      say = (it) => message(JSON.stringify(it));
      hangUp = () => closed("the server has stopped");
      const session = `s${++connections}`;
      timers.after(0, () => say({ type: "welcome", client: 0, session, description, progressSeconds: 60 }));
      if (connections === 1) timers.after(1, () => say(task));
      return { send: () => {}, close: () => {} };
    },
    async download(session) {
      downloads.push(session);
      if (session === "s1") hangUp();
      else if (downloads.length === 2) timers.after(1, () => say(task));
      throw failing(session === "s1" ? "live/connection" : "live/not-found");
    },
    upload: () => Promise.reject(failing("live/connection")),
  };
  const failed: string[] = [];
  const client = runLiveClient({
    ...{
      run: description.run,
      token: "t",
      transport,
      timers,
      random: () => 0,
      giveUpAfterSeconds: 60,
      executor,
      curves,
    },
    ...{ identity: quickIdentity(curves, 0), states: memoryStates(), records: memoryRecords() },
    data: async () => ({ train: openDataSource(prepared.simulation.train).load(0) }),
    report(event) {
      if (event.type !== "failed") return;
      failed.push(`${event.code} at download ${downloads.length}`);
      say({ type: "finished", round: 1, stopped: "finished", modelHash: "" });
    },
  });
  let isOver = false;
  void client.finally(() => {
    isOver = true;
  });
  await timers.run(() => isOver);
  // the second server does not have it either, though it has given the order itself
  expect(downloads).toEqual(["s1", "s2", "s2"]);
  expect(failed).toEqual(["live/not-found at download 3"]);
});
