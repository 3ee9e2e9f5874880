import { onnxruntimeNode } from "@anabranch/engine";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { simulateSmall } from "../conformance/small-live-run.ts";
import { entryView } from "../params/layout.ts";
import { graphRun } from "../simulation/testing/small-graph.ts";
import { exportOnnx, gcn } from "./index.ts";

describe("gcn", () => {
  it("takes rows of numbers, and a graph", () => {
    expect(() => gcn({ input: [1, 28, 28] })).toThrow(expect.objectContaining({ code: "model/input" }));
    expect(() => gcn({ inputType: "uint8" })).toThrow(expect.objectContaining({ code: "model/input" }));
    expect(() => gcn().forward({}, undefined as never)).toThrow(expect.objectContaining({ code: "model/no-graph" }));
  });

  it("leaves as an ONNX file that takes nodes and their graph, and has the accuracy of the run", async () => {
    await onnxruntimeNode(); // turns telemetry off
    const prepared = graphRun({ rounds: 6, baseline: "centralized" });
    const { plan, simulation, model } = prepared;
    const { history, parameters } = await simulateSmall(prepared);
    const values = plan.layout.entries.map((entry) => [entry.name, Float32Array.from(entryView(parameters, entry))]);
    const session = await ort.InferenceSession.create(exportOnnx(model, Object.fromEntries(values)));
    const { features, labels, graph } = openDataSource(simulation.test).load(0);
    const floats = ({ data, shape }: typeof features) => new ort.Tensor("float32", Float32Array.from(data), shape);
    const int32 = ({ data, shape }: typeof features) => new ort.Tensor("int32", data as Int32Array, shape);
    const inputs = {
      ...{ nodes: int32(features), features: floats(graph!.features), weights: floats(graph!.weights) },
      ...{ from: int32(graph!.from), to: int32(graph!.to) },
    };
    const logits = (await session.run(inputs))["logits"]!.data as Float32Array;
    const correct = Array.from(labels.data).filter((label, i) => {
      const row = logits.subarray(3 * i, 3 * i + 3);
      return row.indexOf(Math.max(...row)) === label;
    });
    expect(correct.length / labels.data.length).toBeCloseTo(history.at(-1)!.testAccuracy!, 12);
    await session.release();
  });
});
