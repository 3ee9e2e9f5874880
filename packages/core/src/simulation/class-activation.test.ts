import { constant, conv2d, evaluate, interpreter, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { classification, cnn28x28, logistic, type Model, mlp } from "../models/index.ts";
import { layout } from "../params/layout.ts";
import { mapOverlap, openClassActivator } from "./class-activation.ts";

const wave = (n: number, phase: number) => Float64Array.from({ length: n }, (_, i) => Math.sin(1.3 * i + phase));

describe("openClassActivator", () => {
  const model = cnn28x28({ input: [1, 8, 8], hidden: 6, classes: 3 });
  const whole = layout(model.parameters);
  const parameters = wave(whole.size, 0.4).map((x) => x / 4);
  const features = {
    dtype: "uint8",
    shape: [2, 1, 8, 8],
    data: Uint8Array.from({ length: 128 }, (_, i) => (37 * i) % 256),
  } as const;

  it("weighs the channels of the last convolution by the mean slope of the class's logit", async () => {
    const activator = await openClassActivator(model, whole, interpreter());
    const classes = [2, 0];
    const { maps, height, width, predicted } = await activator.explain(parameters, features, classes);
    expect([height, width, maps.length]).toEqual([4, 4, 2]);

    // the network after its last convolution, with slopes by differences
    const of = (name: string) => {
      const { offset, size, shape } = whole.entries.find((entry) => entry.name === name)!;
      return constant(Array.from(parameters.subarray(offset, offset + size)), shape);
    };
    const tensors = Object.fromEntries(whole.entries.map(({ name }) => [name, of(name)]));
    for (const [row, c] of classes.entries()) {
      const pixels = Array.from(features.data.subarray(64 * row, 64 * row + 64));
      const image = constant(pixels, [1, 1, 8, 8], "uint8");
      const logits = Array.from(evaluate(model.forward(tensors, image)).data);
      expect(predicted[row]).toBe(logits.indexOf(Math.max(...logits)));
      const found = channelsBy(tensors, pixels);
      const logitAt = (values: readonly number[]) => rest(tensors, values)[c]!;
      const slopes = Array.from({ length: 64 }, (_, k) => {
        let sum = 0;
        for (let place = 0; place < 16; place++) {
          const moved = (h: number) => found.map((x, j) => (j === 16 * k + place ? x + h : x));
          sum += (logitAt(moved(1e-5)) - logitAt(moved(-1e-5))) / 2e-5;
        }
        return sum / 16;
      });
      const expected = Array.from({ length: 16 }, (_, place) =>
        Math.max(
          0,
          slopes.reduce((sum, slope, k) => sum + slope * found[16 * k + place]!, 0),
        ),
      );
      expect(Array.from(maps[row]!)).toEqual(expected.map((x) => expect.closeTo(x, 6)));
    }
    await activator.release();
  });

  /** Values after the second convolution and its bias, [64 * 4 * 4]. */
  function channelsBy(p: Record<string, Tensor>, pixels: readonly number[]): number[] {
    const input = pixels.map((x) => (x / 255 - 0.5) / 0.5);
    const first = convolved(input, 1, 8, p["conv1.weight"]!, p["conv1.bias"]!);
    return convolved(
      pooled(
        first.map((x) => Math.max(0, x)),
        32,
        8,
      ),
      32,
      4,
      p["conv2.weight"]!,
      p["conv2.bias"]!,
    );
  }

  function convolved(x: number[], channels: number, size: number, weight: Tensor, bias: Tensor): number[] {
    const out = evaluate(conv2d(constant(x, [1, channels, size, size]), weight, { padding: 2 }));
    const offsets = evaluate(bias).data;
    return Array.from(out.data, (value, k) => value + offsets[Math.floor(k / (size * size))]!);
  }

  function pooled(x: readonly number[], channels: number, size: number): number[] {
    const half = size / 2;
    return Array.from({ length: channels * half * half }, (_, k) => {
      const [c, i, j] = [Math.floor(k / (half * half)), Math.floor(k / half) % half, k % half];
      const at = (a: number, b: number) => x[c * size * size + (2 * i + a) * size + 2 * j + b]!;
      return Math.max(at(0, 0), at(0, 1), at(1, 0), at(1, 1));
    });
  }

  /** Logits from what the last convolution gives. */
  function rest(p: Record<string, Tensor>, values: readonly number[]): number[] {
    const dense = (x: readonly number[], name: string) => {
      const [weight, bias] = [evaluate(p[`${name}.weight`]!), evaluate(p[`${name}.bias`]!).data];
      const width = weight.shape[1]!;
      return Array.from({ length: width }, (_, j) =>
        x.reduce((sum, value, i) => sum + value * weight.data[i * width + j]!, bias[j]!),
      );
    };
    const flat = pooled(
      values.map((x) => Math.max(0, x)),
      64,
      4,
    );
    return dense(
      dense(flat, "dense1").map((x) => Math.max(0, x)),
      "dense2",
    );
  }

  it("refuses models without convolutions, or without a class per example", async () => {
    for (const other of [mlp({ input: [4], classes: 2 }), logistic({ input: [4], classes: 2 })])
      await expect(openClassActivator(other, layout(other.parameters), interpreter())).rejects.toThrow(/convolutions/);
    const several: Model = { ...model, ...classification(3), labels: { dtype: "uint8", shape: [4] } };
    await expect(openClassActivator(several, whole, interpreter())).rejects.toMatchObject({ code: "explain/model" });
  });
});

describe("mapOverlap", () => {
  it("is 1 for equal maps up to a factor, and 0 for maps of different places", () => {
    expect(mapOverlap([1, 2, 0], [2, 4, 0])).toBeCloseTo(1, 12);
    expect(mapOverlap([1, 0], [0, 3])).toBe(0);
  });

  it("is not known where a map is zero everywhere, or not finite", () => {
    expect(mapOverlap([0, 0], [1, 0])).toBeUndefined();
    expect(mapOverlap([Number.NaN, 1], [1, 0])).toBeUndefined();
  });
});
