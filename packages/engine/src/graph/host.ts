import type { DType, HostData, HostTensor } from "./types.ts";

/** Helpers of the interpreter's plain evaluations: row-major host tensors with concrete shapes. */

/** Zeroed storage; "float" is float64 on the interpreter. */
export function allocate(dtype: DType, size: number): HostData {
  if (dtype === "float") return new Float64Array(size);
  return dtype === "int32" ? new Int32Array(size) : new Uint8Array(size);
}

/** Number of elements of a concrete shape. */
export function sizeOfShape(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Offset `sum(index[axis] * strides[axis]) + start` of every index of `shape`, in row-major order. */
export function walk(shape: readonly number[], strides: readonly number[], start = 0): Int32Array {
  const size = sizeOfShape(shape);
  const offsets = new Int32Array(size);
  const index = new Array<number>(shape.length).fill(0);
  let offset = start;
  for (let i = 0; i < size; i++) {
    offsets[i] = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += strides[axis]!;
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      offset -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return offsets;
}

/** For every element of `to`, the offset of the element of `from` that broadcasting puts there. */
export function broadcastOffsets(from: readonly number[], to: readonly number[]): Int32Array {
  const lead = to.length - from.length;
  const own = stridesOf(from);
  const strides = to.map((_, axis) => (axis < lead || from[axis - lead] === 1 ? 0 : own[axis - lead]!));
  return walk(to, strides);
}

/** Reads elements at offsets into a fresh tensor. */
export function pick(source: HostTensor, shape: readonly number[], offsets: Int32Array): HostTensor {
  const data = allocate(source.dtype, offsets.length);
  for (let i = 0; i < offsets.length; i++) data[i] = source.data[offsets[i]!]!;
  return { dtype: source.dtype, shape, data };
}
