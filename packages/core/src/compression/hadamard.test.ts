import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../random/index.ts";
import { transformOf } from "./hadamard.ts";

/** Level by level, from neighbours on. */
function transformed(numbers: Float64Array): Float64Array {
  let x = numbers;
  for (let half = 1; half < x.length; half *= 2) {
    const [from, width] = [x, half];
    x = from.map((value, i) => ((i & width) === 0 ? value + from[i + width]! : from[i - width]! - value));
  }
  return x;
}

describe("the Walsh-Hadamard transform", () => {
  it.each([
    1, 2, 4, 64, 2048, 4096, 8192, 16_384, 131_072,
  ])("of %d numbers has the bits of its levels one by one", (d) => {
    const numbers = new Float64Array(d);
    const stream = randomStream(rootKey(d));
    for (let i = 0; i < d; i++) numbers[i] = stream.float();
    const transform = transformOf(d);
    const { row, stride } = transform;
    for (let r = 0; r < d / row; r++) transform.numbers.set(numbers.subarray(r * row, (r + 1) * row), r * stride);
    transform.run();
    const rows = Array.from({ length: d / row }, (_, r) => transform.numbers.slice(r * stride, r * stride + row));
    expect(rows.flatMap((values) => Array.from(values))).toEqual(Array.from(transformed(numbers)));
  });

  it.each([64, 8192, 32_768])("of %d numbers can be filled row by row, with zeros after them", (d) => {
    const numbers = Float64Array.from({ length: d }, (_, i) => (i < 0.6 * d ? Math.sin(i) : 0));
    transformOf(d).numbers.fill(1);
    const { row, stride, numbers: out, run } = transformOf(d);
    const rows = Math.ceil((0.6 * d) / row);
    run(rows, (r, to) => out.set(numbers.subarray(r * row, (r + 1) * row), to));
    const found = Array.from({ length: d / row }, (_, r) => out.slice(r * stride, r * stride + row));
    expect(found.flatMap((values) => Array.from(values))).toEqual(Array.from(transformed(numbers)));
  });
});
