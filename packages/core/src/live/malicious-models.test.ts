import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { smallRun } from "../conformance/small-live-run.ts";
import { VirtualTimers } from "../conformance/virtual-timers.ts";
import type { Vector } from "../params/index.ts";
import { encodeBroadcast } from "../protocol/index.ts";
import { directionInto } from "../seeded/index.ts";
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

/** Codes of the failures of a client that is given this model to train. */
function failuresWith(parameters: Float64Array, limits = USUAL_LIMITS): Promise<string[]> {
  return failuresOn({ parameters }, limits);
}

/** The same of a client that is given these vectors; the run is over then, or when it uploads. */
async function failuresOn(
  vectors: Readonly<Record<string, Vector>>,
  limits = USUAL_LIMITS,
  described = description,
): Promise<string[]> {
  const reports: ClientReport[] = [];
  const timers = new VirtualTimers();
  const bytes = encodeBroadcast({ round: 1, vectors, scalars: {} });
  const blob = await contentHashOf(bytes);
  let say = (_message: object) => {};
  const finished = () => say({ type: "finished", round: 1, stopped: "finished", modelHash: "" });
  const transport: ClientTransport = {
    origin: "https://server.example",
    async connect({ message }) {
      say = (it) => message(JSON.stringify(it));
      const key = [1, 2];
      const keys = { batches: key, dropout: key, draws: key, compression: key };
      const order = { order: "1/0/0", version: 1, blob, bytes: bytes.byteLength, learningRate: 0.1, keys };
      timers.after(0, () => {
        say({ type: "welcome", client: 0, session: "s", description: described, progressSeconds: 60 });
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

describe("a live client that rebuilds the model from directions", () => {
  const seeds = 64;
  const hidden = [30, 3];
  const pool = smallRun({ name: "fedkseed", seeds, pro: true }, { model: { name: "mlp", hidden } });
  const described = describeTask(pool.config, pool.live);
  const zeros = new Float64Array(seeds);
  const probabilities = new Float64Array(seeds).fill(1 / seeds);
  const failures = (vectors: Readonly<Record<string, Vector>>) => failuresOn(vectors, USUAL_LIMITS, described);

  /** The coefficient of one direction, whose signs of three biases are +, + and -, that gives these equal steps. */
  function ladder(): Float64Array {
    const { layout, initial } = pool.prepared.plan;
    const { offset } = layout.entries.find(({ name }) => name === "dense2.bias")!;
    const signs = Array.from({ length: seeds }, (_, j) =>
      directionInto(new Float64Array(layout.size), { family: "rademacher", seed: 1 }, [j])
        .slice(offset, offset + 3)
        .join(),
    );
    const [first, second, third] = initial.slice(offset, offset + 3) as unknown as [number, number, number];
    const coefficient = (2 * second - first - third) / 2; // the signs differ by 0 and -2
    return zeros.map((_, j) => (j === signs.indexOf("1,1,-1") ? coefficient : 0));
  }

  it("trains an honest one, and looks at the layers that coefficients give", async () => {
    expect(await failures({ coefficients: zeros, probabilities })).toEqual([]);
    expect(await failures({ coefficients: ladder(), probabilities })).toEqual(["client/malicious-layer"]);
    const decoy = Float64Array.from(pool.prepared.plan.initial);
    const both = { coefficients: ladder(), probabilities, parameters: decoy };
    expect(await failures(both)).toEqual(["client/malicious-layer"]);
  });

  it("refuses a broadcast without a number for each direction", async () => {
    for (const vectors of [
      { probabilities },
      { coefficients: zeros.subarray(1), probabilities },
      { coefficients: new Float64Array(seeds + 1), probabilities },
      { coefficients: zeros },
      { coefficients: zeros, probabilities: probabilities.subarray(1) },
    ])
      expect(await failures(vectors)).toEqual(["seeded/broadcast"]);
  });
});
