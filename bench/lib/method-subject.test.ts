import { onnxruntimeNode } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { run } from "../methods.ts";
import { COHORT, prepareSubject } from "./method-subject.ts";
import { randomImages } from "./random-images.ts";

const settings = {
  model: { name: "logistic" },
  steps: 2,
  batch: 4,
  data: randomImages({ shape: [1, 28, 28], train: COHORT * 8, test: 4 }),
};

describe("prepareSubject", () => {
  it.each([
    ["fedavg", {}, { gradientsPerStep: 1, down: 7850, up: 7850 }],
    ["scaffold", {}, { gradientsPerStep: 1, down: 2 * 7850, up: 2 * 7850 }],
    ["fednsam", { perturbation: "gradient" }, { gradientsPerStep: 2, down: 2 * 7850, up: 7850 }],
  ])("counts gradients and floats of the messages of %s with %j", async (method, options, expected) => {
    const subject = await prepareSubject(await onnxruntimeNode(), { method, options, label: method }, settings);
    expect(subject).toMatchObject({ parameters: 7850, ...expected });
    expect(await subject.task()).toBeGreaterThanOrEqual(0);
    await subject.release();
  });

  it("means the floats over the parts where clients send parts", async () => {
    // layers of 784 * 8 + 8 = 6280 and 8 * 8 + 8 = 72, one for each part, and a head of 8 * 10 + 10 = 90 that all send
    const variant = { method: "fedbcgd", options: { blocks: 2 }, label: "fedbcgd" };
    const mlp = { ...settings, model: { name: "mlp", hidden: [8, 8] } };
    const subject = await prepareSubject(await onnxruntimeNode(), variant, mlp);
    expect(subject).toMatchObject({ parameters: 6442, down: 6442, up: (6280 + 72) / 2 + 90 });
    await subject.release();
  });

  it("passes on why a method does not fit", async () => {
    const variant = { method: "fedprox", options: { proximalStrength: -1 }, label: "fedprox" };
    await expect(prepareSubject(await onnxruntimeNode(), variant, settings)).rejects.toThrow(/proximalStrength/);
  });
});

describe("the bench of methods", () => {
  it("has a row for each variant, plain SGD first, with its gradients and wire", async () => {
    const result = await run({ model: "vit", only: "fedsam", steps: "1", batch: "2", rounds: "1" });
    expect(result.rows.map(({ label }) => label)).toEqual(["vit, fedavg", "vit, fedsam", "vit, fedsam adaptive=true"]);
    expect(result.rows.map(({ values }) => values["gradients"])).toEqual(["1", "2", "2"]);
    expect(result.rows[0]!.values).toMatchObject({ "down/d": 1, "up/d": 1, declared: "down d; up d" });
  });

  it("refuses models and methods that it does not know", async () => {
    await expect(run({ model: "alexnet" })).rejects.toThrow('received "alexnet"');
    await expect(run({ only: "fedsam,fedfoo" })).rejects.toThrow("received fedfoo");
  });
});
