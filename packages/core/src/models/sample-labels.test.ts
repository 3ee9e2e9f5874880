import { compileProgram, interpreter, type Tensor, trace } from "@anabranch/engine";
import { checkExecutor, host, sample } from "@anabranch/engine/testing";
import { describe, expect, it } from "vitest";
import { classification } from "./model.ts";

const draw = (classes: number) => (i: Record<string, Tensor>) =>
  classification(classes).sample!(i["logits"]!, i["uniforms"]!);

async function labels(logits: number[], uniforms: number[]): Promise<number[]> {
  const types = {
    logits: { dtype: "float", shape: [uniforms.length, logits.length] },
    uniforms: { dtype: "float", shape: [uniforms.length] },
  } as const;
  const program = compileProgram(
    "sample",
    trace((x) => ({ labels: draw(logits.length)(x) }), types),
  );
  const executable = await interpreter().load(program);
  const repeated = uniforms.flatMap(() => logits);
  const outputs = await executable.run({
    logits: host("float", [uniforms.length, logits.length], repeated),
    uniforms: host("float", [uniforms.length], uniforms),
  });
  return Array.from(outputs["labels"]!.data);
}

describe("labels sampled from logits", () => {
  it("cut [0, 1) into parts as long as the probabilities", async () => {
    const logits = [0, 3, 1, 2].map((odds) => Math.log(odds)); // probabilities 0, 1/2, 1/6, 1/3
    const grid = Array.from({ length: 600 }, (_, i) => (i + 0.5) / 600);
    const drawn = await labels(logits, grid);
    expect([0, 1, 2, 3].map((c) => drawn.filter((label) => label === c).length)).toEqual([0, 300, 100, 200]);
    expect(await labels(logits, [0, 0.499, 0.501, 0.99])).toEqual([1, 1, 2, 3]);
  });

  it("stay below the number of classes where the probabilities round below 1", async () => {
    const uneven = [0.1, 0.7, -1.3, 2.2, 0.4, 1.1, -0.6];
    expect((await labels(uneven, [1 - 2 ** -53]))[0]).toBe(6);
  });

  it("runs on onnxruntime-node, with positions too", async () => {
    const uniforms = sample([4, 3], { scale: 0.5, shift: 0.5 });
    await checkExecutor("sample", draw(5), { logits: sample([4, 3, 5], { scale: 2 }), uniforms });
  });
});
