import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAccountant, resolveConfig } from "@anabranch/core";
import { openSimulation, startRun } from "@anabranch/node";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const config = resolveConfig({
  name: "outputs",
  rounds: 2,
  data: { dataset: "fashion-mnist-10k", clients: 20, partition: { scheme: "iid" } },
  model: { name: "mlp", hidden: [32] },
  training: { localEpochs: 1, batchSize: 20, learningRate: 0.1 },
  sampler: { cohort: 4 },
});

describe("what a run leaves behind", () => {
  let runs = "";
  let folder = "";
  let accuracy = 0;
  let parameters: ArrayLike<number> = [];
  beforeAll(async () => {
    runs = await mkdtemp(join(tmpdir(), "anabranch-outputs-"));
    const outcome = await startRun(config, { runs, workers: 0 });
    folder = outcome.folder;
    accuracy = outcome.result.history.at(-1)!.testAccuracy!;
    parameters = outcome.result.parameters;
  });
  afterAll(() => rm(runs, { recursive: true, force: true }));

  it("model.onnx, opened by ONNX Runtime alone, has the accuracy of the run", async () => {
    const { federation, close } = await openSimulation(config, "data", { workers: 0 });
    await close();
    const session = await ort.InferenceSession.create(join(folder, "model.onnx"));
    const { features, labels, classes } = federation.dataset!.test;
    const images = new ort.Tensor("uint8", features.data as Uint8Array, features.shape);
    const logits = (await session.run({ features: images }))["logits"]!.data as Float32Array;
    let correct = 0;
    for (let i = 0; i < labels.data.length; i++) {
      const row = logits.subarray(i * classes, (i + 1) * classes);
      if (row.indexOf(Math.max(...row)) === labels.data[i]) correct++;
    }
    expect(correct / labels.data.length).toBe(accuracy);
    expect(accuracy).toBeGreaterThan(0.3);
  });

  it("model.safetensors follows the format: length, JSON header, little-endian float32 at its offsets", async () => {
    const bytes = await readFile(join(folder, "model.safetensors"));
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8"));
    const names = Object.keys(header).filter((name) => name !== "__metadata__");
    const total = names.reduce((sum, name) => sum + header[name].shape.reduce((a: number, b: number) => a * b, 1), 0);
    expect(total).toBe(parameters.length);
    expect(bytes.length).toBe(8 + length + total * 4);
    const first = [...names].sort()[0]!;
    const [begin, end] = header[first].data_offsets;
    expect(header[first].dtype).toBe("F32");
    expect(end - begin).toBe(4 * header[first].shape.reduce((a: number, b: number) => a * b, 1));
    // the flat vector lists parameters by name, so the first name starts at element 0
    expect(bytes.readFloatLE(8 + length + begin)).toBe(parameters[0]);
    expect(header["__metadata__"]).not.toHaveProperty("epsilon");
  });

  it("epsilon and what it rests on go with a private model: in both files, its card and the metrics", async () => {
    const privacy = { mechanism: "gaussian", clipNorm: 0.5, noiseMultiplier: 2, delta: 0.01 } as const;
    const aggregation = { weighting: "uniform" } as const;
    const sampler = { name: "poisson", cohort: 4 } as const;
    const outcome = await startRun(resolveConfig({ ...config, privacy, aggregation, sampler }), { runs, workers: 0 });
    // rounds of Poisson sampling at 4 / 20, by the accountant itself
    const event = { kind: "poisson-gaussian", samplingRate: 0.2, noiseMultiplier: 2, count: 2 } as const;
    const { epsilon, assumptions } = createAccountant("rdp").epsilon([event], 0.01);
    const read = (name: string) => readFile(join(outcome.folder, name));
    const bytes = await read("model.safetensors");
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString("utf8"));
    const told = {
      epsilon: String(epsilon),
      delta: "0.01",
      accountant: "rdp",
      privacyAssumptions: assumptions.join("; "),
    };
    expect(header["__metadata__"]).toMatchObject(told);
    const onnx = await read("model.onnx");
    for (const [key, value] of Object.entries(told)) expect(onnx.includes(metadataEntry(key, value)), key).toBe(true);
    await ort.InferenceSession.create(onnx);
    expect((await read("model-card.md")).toString()).toContain(`- ${assumptions[0]}`);
    const [heads, ...rows] = (await read("metrics.csv")).toString().trimEnd().split("\n");
    expect(rows.at(-1)!.split(",")[heads!.split(",").indexOf("epsilon")]).toBe(String(epsilon));
  });
});

/** A StringStringEntryProto as ONNX's ModelProto holds it in field 14: key in field 1, value in field 2. */
function metadataEntry(key: string, value: string): Buffer {
  const field = (number: number, bytes: Buffer) => {
    const length = [];
    for (let rest = bytes.length; ; rest >>= 7) {
      length.push(rest < 128 ? rest : (rest & 127) | 128);
      if (rest < 128) break;
    }
    return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), bytes]);
  };
  return field(14, Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.from(value))]));
}
