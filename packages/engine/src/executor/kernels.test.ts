import { describe, expect, it } from "vitest";
import type { HostTensor } from "../graph/types.ts";
import { product, transposed } from "../linalg/product.ts";
import { symmetricEigen } from "../linalg/symmetric-eigen.ts";
import type { KernelCall } from "../program/host-kernels.ts";
import { sample } from "../testing/check.ts";
import { callKernel } from "./kernels.ts";

const tensor = (shape: number[], data: ArrayLike<number>): HostTensor => ({
  dtype: "float",
  shape,
  data: Float64Array.from(data),
});

function call(
  kernel: KernelCall["kernel"],
  inputs: HostTensor[],
  options: KernelCall["options"] = {},
  outputs = 1,
): HostTensor[] {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
  const values = new Map(inputs.map((value, i) => [`${i}`, value]));
  return [...callKernel({ kernel, inputs: names(inputs.length), outputs: names(outputs), options }, values).values()];
}

const close = (values: ArrayLike<number>, digits = 12) => Array.from(values, (v) => expect.closeTo(v, digits));
const n = 7;
const some = sample([n, n]).data as Float64Array;
const gram = product(some, transposed(some, n, n), n, n, n);

describe("eigenbasis", () => {
  it("has the largest eigenvalue first and keeps the element type", () => {
    expect(call("eigenbasis", [tensor([2, 2], [1, 0, 0, 3])])[0]!.data).toEqual(Float64Array.of(0, 1, 1, 0));
    const narrow = { dtype: "float", shape: [1, 1], data: Float32Array.of(2) } as const;
    expect(call("eigenbasis", [narrow])[0]!.data).toEqual(Float32Array.of(1));
  });
});

describe("orthogonal-iteration", () => {
  const orthonormal = (q: ArrayLike<number>) => product(transposed(q, n, n), Float64Array.from(q), n, n, n);
  const unit = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));

  it("leaves an exact eigenbasis as it is, up to signs", () => {
    const { vectors } = symmetricEigen(gram, n);
    const flipped = vectors.map((v, i) => ((i % n) % 2 === 0 ? v : -v));
    const [basis, moment] = call(
      "orthogonal-iteration",
      [tensor([n, n], gram), tensor([n, n], flipped), sample([n, 2])],
      { axis: 0 },
      2,
    );
    expect(Array.from(basis!.data, Math.abs)).toEqual(close(vectors.map(Math.abs), 9));
    expect(moment!.data).toEqual(sample([n, 2]).data);
  });

  it.each([0, 1, 2])("sorts by the Rayleigh quotients and takes axis %i of the moment along", (axis) => {
    // an eigenbasis in ascending order comes back in descending order
    const { vectors } = symmetricEigen(gram, n);
    const ascending = Float64Array.from(vectors, (_, i) => vectors[i - (i % n) + n - 1 - (i % n)]!);
    const shape = [2, 2, 2].map((extent, i) => (i === axis ? n : extent));
    const before = sample(shape, { seed: 5 });
    const [basis, moment] = call(
      "orthogonal-iteration",
      [tensor([n, n], gram), tensor([n, n], ascending), before],
      { axis },
      2,
    );
    expect(Array.from(basis!.data, Math.abs)).toEqual(close(vectors.map(Math.abs), 9));
    const strides = [shape[1]! * shape[2]!, shape[2]!, 1];
    const reversed = Array.from(before.data, (_, i) => {
      const along = Math.floor(i / strides[axis]!) % n;
      return before.data[i + (n - 1 - 2 * along) * strides[axis]!]!;
    });
    expect(Array.from(moment!.data)).toEqual(reversed);
  });

  it("converges to the eigenbasis, and its basis stays orthonormal", () => {
    let basis = tensor([n, n], unit);
    let moment: HostTensor = sample([n]);
    for (let k = 0; k < 400; k++) {
      [basis, moment] = call("orthogonal-iteration", [tensor([n, n], gram), basis, moment], { axis: 0 }, 2) as [
        HostTensor,
        HostTensor,
      ];
      expect(Array.from(orthonormal(basis.data))).toEqual(close(unit, 13));
    }
    const { vectors } = symmetricEigen(gram, n);
    expect(Array.from(basis.data, Math.abs)).toEqual(close(vectors.map(Math.abs), 6));
  });

  it("gives an orthonormal basis for a gram of zeros", () => {
    const [basis] = call(
      "orthogonal-iteration",
      [tensor([n, n], new Float64Array(n * n)), tensor([n, n], some), sample([n])],
      { axis: 0 },
      2,
    );
    expect(Array.from(orthonormal(basis!.data))).toEqual(close(unit));
  });
});

describe("inverse-root", () => {
  it.each([1, 2, 3, 4, 6, 8])("of order %i times itself as often is the inverse", (order) => {
    const [root] = call("inverse-root", [tensor([n, n], gram)], { order, floor: 0 });
    let power = gram;
    for (let i = 0; i < order; i++) power = product(power, root!.data as Float64Array, n, n, n);
    expect(Array.from(power)).toEqual(
      close(
        Float64Array.from(power, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
        8,
      ),
    );
  });

  it("raises eigenvalues below the floor to it", () => {
    const [root] = call("inverse-root", [tensor([2, 2], [4, 0, 0, -1e-9])], { order: 2, floor: 0.25 });
    expect(Array.from(root!.data)).toEqual([0.5, 0, 0, 2]);
  });
});

it("a kernel outside the table is refused", () => {
  expect(() => call("toString" as "eigenbasis", [])).toThrow(/received toString; expected eigenbasis/);
});
