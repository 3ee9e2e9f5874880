import { AnabranchError } from "../errors.ts";
import type { HostTensor } from "../graph/types.ts";
import { product, transposed } from "../linalg/product.ts";
import { qr } from "../linalg/qr.ts";
import { symmetricEigen } from "../linalg/symmetric-eigen.ts";
import type { KernelCall, KernelName } from "../program/host-kernels.ts";

type Kernel = (inputs: readonly HostTensor[], options: KernelCall["options"]) => readonly HostTensor[];

/** The closed table of host kernels, see `KernelName`: float64 inside, the element type of the inputs outside. */
const kernels: Readonly<Record<KernelName, Kernel>> = {
  eigenbasis: ([gram]) => [like(gram!, symmetricEigen(gram!.data, gram!.shape[0]!).vectors)],
  "orthogonal-iteration": ([gram, basis, moment], { axis }) => iterate(gram!, basis!, moment!, axis!),
  "inverse-root": ([factor], { order, floor }) => [like(factor!, inverseRoot(factor!, order!, floor!))],
};

/** Runs one kernel; `values` are entries of the carry by path. Throws `engine/unknown-kernel` for a name outside the table. */
export function callKernel(call: KernelCall, values: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  if (!Object.hasOwn(kernels, call.kernel)) {
    throw new AnabranchError({
      code: "engine/unknown-kernel",
      message: "a program names a kernel that this version does not have",
      received: call.kernel,
      expected: Object.keys(kernels).join(", "),
      advice: "Use the same package version on both sides.",
    });
  }
  const results = kernels[call.kernel](
    call.inputs.map((path) => values.get(path)!),
    call.options,
  );
  return new Map(call.outputs.map((path, i) => [path, results[i]!]));
}

/** One step of orthogonal iteration: Q sorted by Rayleigh quotients, then multiplied by the gram and orthonormalised. */
function iterate(gram: HostTensor, basis: HostTensor, moment: HostTensor, axis: number): HostTensor[] {
  const n = gram.shape[0]!;
  const q = new Float64Array(basis.data);
  const turned = product(gram.data, q, n, n, n);
  const quotients = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) quotients[j]! += q[i * n + j]! * turned[i * n + j]!;
  }
  const order = Array.from(quotients.keys()).sort((a, b) => quotients[b]! - quotients[a]! || a - b);
  const sorted = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) sorted[i * n + j] = turned[i * n + order[j]!]!;
  return [like(basis, qr(sorted, n, n).q), permuted(moment, order, axis)];
}

/** Entry order[j] of `axis` moves to j. */
function permuted(tensor: HostTensor, order: readonly number[], axis: number): HostTensor {
  const inner = tensor.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const block = order.length * inner;
  const data = tensor.data.slice();
  for (let start = 0; start < data.length; start += block) {
    order.forEach((from, to) => {
      data.set(tensor.data.subarray(start + from * inner, start + (from + 1) * inner), start + to * inner);
    });
  }
  return { ...tensor, data };
}

function inverseRoot(factor: HostTensor, order: number, floor: number): Float64Array {
  const n = factor.shape[0]!;
  const { values, vectors } = symmetricEigen(factor.data, n);
  const powers = values.map((value) => 1 / root(Math.max(value, floor), order));
  const scaled = vectors.map((entry, i) => entry * powers[i % n]!);
  return product(scaled, transposed(vectors, n, n), n, n, n);
}

/** x^(1 / order); square roots as far as they go, which round alike everywhere. */
function root(x: number, order: number): number {
  if (order % 2 === 0) return root(Math.sqrt(x), order / 2);
  return order === 1 ? x : x ** (1 / order);
}

/** A tensor of the shape and element type of another. */
function like(tensor: HostTensor, data: Float64Array): HostTensor {
  return { ...tensor, data: tensor.data instanceof Float32Array ? new Float32Array(data) : data };
}
