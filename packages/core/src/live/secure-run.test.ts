import { describe, expect, it } from "vitest";
import type { ConfigInput } from "../config/index.ts";
import { HEALTHY } from "../conformance/fault-source.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { crashServerAt, secureRun, simulateParticipants, simulateSmall } from "../conformance/small-live-run.ts";
import { pipelineStages } from "../pipeline/client-pipeline.ts";
import { packBits } from "../privacy/secure-aggregation/packing.ts";
import { INTEGERS } from "../privacy/secure-aggregation-encoding/index.ts";
import { decodeUpdate, encodeUpdate, type Update } from "../protocol/index.ts";
import { receiver } from "../protocol/stage.ts";
import type { PreparedRun } from "../simulation/prepare.ts";
import { fromBase64 } from "./base64.ts";
import { WITHHELD } from "./withheld.ts";

/** Clients with different numbers of examples, which show in their steps. */
const uneven: ConfigInput = {
  data: { clients: 4, partition: { scheme: "quantity-skew", alpha: 2 } },
  training: { batchSize: 4, localEpochs: 2, learningRate: 0.1 },
};

/** The updates of the first round as a simulation has them, with their integers. */
async function updatesOf(prepared: PreparedRun): Promise<Update[]> {
  const updates: Update[] = [];
  await simulateSmall(prepared, (backend) =>
    alteredBackend(backend, (outcome, { version }) => {
      if (version === 1 && "update" in outcome) updates.push(outcome.update);
      return outcome;
    }),
  );
  return updates;
}

describe("a live run with secure aggregation", () => {
  it.each([
    "bonawitz",
    "secagg+",
    "lightsecagg",
  ] as const)("ends with the model of the simulation: %s", async (protocol) => {
    const { config, prepared, live } = secureRun(protocol);
    const federation = new SimulatedFederation(config, live, 1, HEALTHY);
    const result = await federation.run();
    expect(result.stopped).toBe("finished");
    expect([...federation.observer.survivors.values()].map(({ length }) => length)).toEqual([4, 4]);
    expect(result.modelHash).toBe((await simulateSmall(prepared)).modelHash);
  });

  it("ends with the model of the simulation where sketches are summed", async () => {
    const { config, prepared, live } = secureRun("bonawitz", { compression: { up: ["count-sketch size=0.25"] } });
    const result = await new SimulatedFederation(config, live, 1, HEALTHY).run();
    const simulated = await simulateSmall(prepared);
    expect(result.modelHash).toBe(simulated.modelHash);
    const { prepared: whole } = secureRun("bonawitz");
    expect(simulated.modelHash).not.toBe((await simulateSmall(whole)).modelHash);
  });

  it("continues without a client that dies with its integers, and sums the others", async () => {
    const { config, prepared, live } = secureRun("bonawitz");
    const federation = new SimulatedFederation(config, live, 1, HEALTHY);
    let killed = false;
    federation.crashNow = (client, report) => {
      if (killed || client !== 2 || report.type !== "answered" || report.stage !== "share") return false;
      killed = true;
      return true;
    };
    const { modelHash } = await federation.run();
    expect(Object.fromEntries(federation.observer.survivors)).toEqual({ 1: [0, 1, 3], 2: [0, 1, 2, 3] });
    expect(modelHash).toBe((await simulateParticipants(prepared, federation.observer.survivors)).modelHash);
  });

  it("repeats a round whose server dies while masked vectors come, to the same model", async () => {
    const { config, prepared, live } = secureRun("bonawitz", { rounds: 1 });
    const federation = new SimulatedFederation(config, live, 1, HEALTHY);
    crashServerAt(federation, "mask");
    const { modelHash } = await federation.run();
    expect(federation.crashes.server).toBe(1);
    expect(modelHash).toBe((await simulateSmall(prepared)).modelHash);
  });

  it("has no sum of a round whose server dies once clients have helped to unmask it", async () => {
    const { config, prepared, live } = secureRun("bonawitz");
    const federation = new SimulatedFederation(config, live, 1, HEALTHY);
    let answered = 0;
    federation.crashNow = (_client, report) => {
      if (report.type === "answered" && report.stage === "unmask" && ++answered === 4) federation.crashServer();
      return false;
    };
    const { modelHash } = await federation.run();
    expect([...federation.observer.survivors.keys()]).toEqual([2]);
    expect(modelHash).toBe((await simulateParticipants(prepared, federation.observer.survivors)).modelHash);
    const warnings = federation.log.events.flatMap((event) => (event.type === "run.warning" ? [event.code] : []));
    expect(warnings).toContain("secure-aggregation/too-few");
  });

  it("brings no integer of a client to the server, in whatever form", async () => {
    const { config, prepared, live } = secureRun("bonawitz", { rounds: 1 });
    const updates = await updatesOf(prepared);
    const forms = updates.flatMap(({ vectors }) => {
      const integers = vectors[INTEGERS]!.subarray(0, prepared.plan.layout.size + 1); // digits of metrics are often 0
      const values = Uint32Array.from(integers);
      const packed = [16, 18].map((bits) => packBits(values, bits));
      return [bytesOf(integers), bytesOf(values), bytesOf(Float32Array.from(integers)), ...packed];
    });
    const shows = (bytes: Uint8Array) => forms.some((form) => holdsPiece(bytes, form));
    expect(shows(encodeUpdate(updates[0]!))).toBe(true);

    const federation = new SimulatedFederation(config, live, 1, HEALTHY);
    const received: Uint8Array[] = [];
    federation.network.tap = (message) =>
      received.push(...(typeof message === "string" ? bodiesOf(message) : [message]));
    await federation.run();
    expect(received.length).toBeGreaterThan(4 * 5);
    expect(received.filter(shows)).toEqual([]);
  });

  it("brings no number of a client's data to the server, which knows sums", async () => {
    const { config, prepared, live } = secureRun("bonawitz", { rounds: 1, ...uneven });
    const metadata = (await updatesOf(prepared)).map((update) => update.public);
    expect(new Set(metadata.map(({ examples }) => examples)).size).toBe(4);
    const federation = new SimulatedFederation(config, live, 1, HEALTHY);
    const texts: string[] = [];
    const uploads: Uint8Array[] = [];
    federation.network.tap = (message) => void (typeof message === "string" ? texts : uploads).push(message as never);
    await federation.run();
    const messages = texts.map((text) => JSON.parse(text) as { type: string; examples?: number });
    expect(messages.filter(({ type }) => type === "ready").map(({ examples }) => examples)).toEqual(Array(4));
    for (const upload of uploads) expect(decodeUpdate(upload).public).toEqual(WITHHELD);
    expect(uploads).toHaveLength(4);
    for (const { loss } of metadata) {
      expect(texts.some((text) => text.includes(String(loss)))).toBe(false);
      expect(uploads.some((bytes) => holdsPiece(bytes, bytesOf(Float64Array.of(loss)), 8))).toBe(false);
    }
    const sum = (name: "examples" | "steps" | "loss") => metadata.reduce((total, one) => total + one[name], 0);
    const ended = federation.log.events.find((event) => event.type === "round.finished")!;
    expect(ended).toMatchObject({ clients: 4, examples: sum("examples"), steps: sum("steps") });
    expect(ended.loss).toBeCloseTo(sum("loss") / 4, 4);
    expect(ended).toMatchObject({ clientLossMin: null, clientLossMax: null });
  });

  it("refuses an update that brings its integers in the clear", async () => {
    const { prepared, live } = secureRun("bonawitz", { rounds: 1 });
    const update = (await updatesOf(prepared))[0]!;
    const receive = receiver(pipelineStages(live.simulation.task));
    expect(receive(update, { scalars: {}, part: undefined })).toMatchObject({ code: "update/vector" });
    const metadata = { ...update, vectors: {} };
    expect(receive(metadata, { scalars: {}, part: undefined })).toEqual(metadata);
  });
});

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array | Float32Array | Uint32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The text of a control message, and what it carries. */
function bodiesOf(text: string): Uint8Array[] {
  const { body = "" } = JSON.parse(text) as { body?: string };
  return [new TextEncoder().encode(text), fromBase64(body)!];
}

/** Whether any so many bytes of `piece` lie in `bytes`. */
function holdsPiece(bytes: Uint8Array, piece: Uint8Array, length = 12): boolean {
  const haystack = Buffer.from(bytes);
  for (let at = 0; at + length <= piece.length; at++)
    if (haystack.includes(Buffer.from(piece.subarray(at, at + length)))) return true;
  return false;
}
