import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { smallRun } from "../conformance/small-live-run.ts";
import { VirtualTimers } from "../conformance/virtual-timers.ts";
import { encodeBroadcast } from "../protocol/index.ts";
import { USUAL_LIMITS } from "./client-limits.ts";
import type { ClientReport } from "./client-report.ts";
import { contentHashOf } from "./content-hash.ts";
import { runLiveClient } from "./live-client.ts";
import type { ClientTransport } from "./ports.ts";
import { describeTask } from "./task-description.ts";
import { memoryRecords } from "./testing/secure-clients.ts";

const { config, prepared } = smallRun({ name: "fedavg" }, { model: { name: "mlp", hidden: [30, 5] } });
const description = describeTask(config, prepared);
const { layout, initial } = prepared.plan;

/** The initial model with some entries changed. */
function model(name: string, value: (i: number) => number): Float64Array {
  const parameters = Float64Array.from(initial);
  const entry = layout.entries.find((one) => one.name === name)!;
  for (let i = 0; i < entry.size; i++) parameters[entry.offset + i] = value(i);
  return parameters;
}

/** Codes of the failures of a client that is given this model to train; the run is over then, or when it uploads. */
async function failuresWith(parameters: Float64Array, limits = USUAL_LIMITS): Promise<string[]> {
  const reports: ClientReport[] = [];
  const timers = new VirtualTimers();
  const bytes = encodeBroadcast({ round: 1, vectors: { parameters }, scalars: {} });
  const blob = await contentHashOf(bytes);
  let say = (_message: object) => {};
  const finished = () => say({ type: "finished", round: 1, stopped: "finished", modelHash: "" });
  const transport: ClientTransport = {
    origin: "https://server.example",
    async connect({ message }) {
      say = (it) => message(JSON.stringify(it));
      const key = [1, 2];
      const keys = { batches: key, dropout: key, draws: key };
      const order = { order: "1/0/0", version: 1, blob, bytes: bytes.byteLength, learningRate: 0.1, keys };
      timers.after(0, () => {
        say({ type: "welcome", client: 0, session: "s", description, progressSeconds: 60 });
        say({ type: "task", ...order });
      });
      return { send: () => {}, close: () => {} };
    },
    download: async () => bytes,
    upload: async (_session, _order, hash) => ({ status: "accepted", hash }),
  };
  const source = openDataSource(prepared.simulation.train);
  let over = false;
  const ended = runLiveClient({
    ...{ run: description.run, token: "t", transport, timers, random: () => 0, giveUpAfterSeconds: 60 },
    identity: { publicKey: "", sign: async () => new Uint8Array(64) },
    states: { load: async () => undefined, save: async () => {} },
    ...{ records: memoryRecords(), executor: interpreter(), limits },
    data: async () => ({ train: source.load(0) }),
    report(event) {
      reports.push(event);
      if (event.type === "failed" || event.type === "uploaded") finished();
    },
  }).finally(() => {
    over = true;
  });
  await timers.run(() => over);
  await ended;
  return reports.flatMap((event) => (event.type === "failed" ? [event.code] : []));
}

describe("a live client", () => {
  const imprint = model("dense2.weight", (i) => 0.1 * Math.cos(Math.floor(i / 5) + 1));

  it("trains an honest model, and refuses one with parallel rows or a ladder of biases", async () => {
    expect(await failuresWith(Float64Array.from(initial))).toEqual([]);
    expect(await failuresWith(imprint)).toEqual(["client/malicious-layer"]);
    expect(await failuresWith(model("dense2.bias", (i) => -0.1 * i))).toEqual(["client/malicious-layer"]);
  });

  it("trains any model where its operator allows it", async () => {
    expect(await failuresWith(imprint, { ...USUAL_LIMITS, anyModel: true })).toEqual([]);
  });
});
