/**
 * Loops in WebAssembly with 128-bit vectors, where rules spend their time: compare and exchange of rows, squared distances of
 * rows, and sums of rows. Written with a few helpers instead of a compiler; each line of a body is one instruction. Their results
 * are fixed by the standard, so they have the same bits on every machine.
 */

/** Unsigned LEB128, of small numbers. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}

const simd = (code: number, ...rest: number[]): number[] => [0xfd, ...leb(code), ...rest];
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const constant = (value: number) => [0x41, value];
const ADD = [0x6a];
const LESS = [0x49];
const LOAD_I32 = [0x28, 2, 0];
const LOAD_F64 = (offset: number) => [0x2b, 3, offset];
const STORE_F64 = (offset: number) => [0x39, 3, offset];
const ADD_F64 = [0xa0];
const LOAD = simd(0x00, 3, 0);
const STORE = simd(0x0b, 3, 0);
const LOAD_NEXT = simd(0x00, 3, 16);
const STORE_NEXT = simd(0x0b, 3, 16);
const zeros = simd(0x0c, ...new Array<number>(16).fill(0));
const SMALLER = { float32: simd(0xea), float64: simd(0xf6) };
const LARGER = { float32: simd(0xeb), float64: simd(0xf7) };
const VECTOR_ADD = simd(0xf0);
const VECTOR_SUBTRACT = simd(0xf1);
const VECTOR_MULTIPLY = simd(0xf2);
const lane = (index: number) => simd(0x21, index);
/** Repeats a body as long as the condition at its end holds. */
const repeat = (...body: number[][]) => [0x03, 0x40, ...body.flat(), 0x0d, 0, 0x0b];
/** local += bytes */
const advance = (local: number, bytes: number) => [...get(local), ...constant(bytes), ...ADD, ...set(local)];

const I32 = 0x7f;
const V128 = 0x7b;

/**
 * exchange(pairs, end, base, width): for each pair (a, b) of byte offsets, the smaller values go to base + a and the larger
 * ones to base + b, over `width` bytes, a multiple of 16.
 */
function exchangeBody(type: "float32" | "float64"): number[] {
  const [pairs, end, base, width, a, b, stop, x, y] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  return [
    ...[2, 3, I32, 2, V128],
    ...repeat(
      [...get(base), ...get(pairs), ...LOAD_I32, ...ADD, ...set(a)],
      [...get(base), ...get(pairs), ...constant(4), ...ADD, ...LOAD_I32, ...ADD, ...set(b)],
      [...get(a), ...get(width), ...ADD, ...set(stop)],
      repeat(
        [...get(a), ...LOAD, ...set(x), ...get(b), ...LOAD, ...set(y)],
        [...get(a), ...get(x), ...get(y), ...SMALLER[type], ...STORE],
        [...get(b), ...get(x), ...get(y), ...LARGER[type], ...STORE],
        advance(a, 16),
        advance(b, 16),
        [...get(a), ...get(stop), ...LESS],
      ),
      advance(pairs, 8),
      [...get(pairs), ...get(end), ...LESS],
    ),
    0x0b,
  ];
}

/**
 * gaps(x, y, stride, width, out): adds the squared distances of the float64 row at x to the four rows at y, y + stride, ...
 * to the four float64 at out. Even and odd places are summed apart. `width` in bytes, a multiple of 16.
 */
function gapsBody(): number[] {
  const [x, y, stride, width, out, at, stop, value, gap, sum] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const rows = [0, 1, 2, 3];
  const addGap = (row: number) => [
    ...[...get(value), ...get(at), ...LOAD, ...VECTOR_SUBTRACT, ...set(gap)],
    ...[...get(sum! + row), ...get(gap), ...get(gap), ...VECTOR_MULTIPLY, ...VECTOR_ADD, ...set(sum! + row)],
    ...[...get(at), ...get(stride), ...ADD, ...set(at)],
  ];
  const store = (row: number) => [
    ...[...get(out), ...get(out), ...LOAD_F64(8 * row)],
    ...[...get(sum! + row), ...lane(0), ...get(sum! + row), ...lane(1), ...ADD_F64, ...ADD_F64, ...STORE_F64(8 * row)],
  ];
  return [
    ...[2, 2, I32, 6, V128],
    ...[...get(x), ...get(width), ...ADD, ...set(stop)],
    ...repeat(
      [...get(x), ...LOAD, ...set(value), ...get(y), ...set(at)],
      rows.flatMap(addGap),
      advance(x, 16),
      advance(y, 16),
      [...get(x), ...get(stop), ...LESS],
    ),
    ...rows.flatMap(store),
    0x0b,
  ];
}

/**
 * total(list, end, out, width): the float64 rows at the addresses of the list, added up in order, to the row at `out`.
 * `width` in bytes, a multiple of 32.
 */
function totalBody(): number[] {
  const [list, end, out, width, at, address, offset, first, second] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  return [
    ...[2, 3, I32, 2, V128],
    ...[...constant(0), ...set(offset)],
    ...repeat(
      [...get(list), ...set(at), ...zeros, ...set(first), ...zeros, ...set(second)],
      repeat(
        [...get(at), ...LOAD_I32, ...get(offset), ...ADD, ...set(address)],
        [...get(first), ...get(address), ...LOAD, ...VECTOR_ADD, ...set(first)],
        [...get(second), ...get(address), ...LOAD_NEXT, ...VECTOR_ADD, ...set(second)],
        advance(at, 4),
        [...get(at), ...get(end), ...LESS],
      ),
      [...get(out), ...get(offset), ...ADD, ...get(first), ...STORE],
      [...get(out), ...get(offset), ...ADD, ...get(second), ...STORE_NEXT],
      advance(offset, 32),
      [...get(offset), ...get(width), ...LESS],
    ),
    0x0b,
  ];
}

const section = (id: number, ...items: number[][]) => {
  const content = [...leb(items.length), ...items.flat()];
  return [id, ...leb(content.length), ...content];
};
const text = (name: string) => [name.length, ...[...name].map((letter) => letter.charCodeAt(0))];
const sized = (body: number[]) => [...leb(body.length), ...body];

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const parameters = (count: number) => [0x60, count, ...new Array<number>(count).fill(I32), 0];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, parameters(4), parameters(5)),
    ...section(2, [...text("host"), ...text("memory"), 2, 0, 1]),
    ...section(3, [0], [0], [1], [0]),
    ...section(
      7,
      [...text("float32"), 0, 0],
      [...text("float64"), 0, 1],
      [...text("gaps"), 0, 2],
      [...text("total"), 0, 3],
    ),
    ...section(
      10,
      sized(exchangeBody("float32")),
      sized(exchangeBody("float64")),
      sized(gapsBody()),
      sized(totalBody()),
    ),
  ]);
}

/** The loops over one memory; addresses and widths are in bytes. */
export interface Kernels {
  readonly memory: ArrayBuffer;
  readonly exchange: Readonly<
    Record<"float32" | "float64", (pairs: number, end: number, base: number, width: number) => void>
  >;
  readonly total: (list: number, end: number, out: number, width: number) => void;
  readonly gaps: (x: number, y: number, stride: number, width: number, out: number) => void;
}

let compiled: WebAssembly.Module | undefined;

/** The kernels with `bytes` of memory of their own. */
export function kernels(bytes: number): Kernels {
  compiled ??= new WebAssembly.Module(moduleBytes());
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) });
  const { exports } = new WebAssembly.Instance(compiled, { host: { memory } });
  const found = exports as unknown as Kernels["exchange"] & Pick<Kernels, "gaps" | "total">;
  return {
    memory: memory.buffer as ArrayBuffer,
    exchange: { float32: found.float32, float64: found.float64 },
    gaps: found.gaps,
    total: found.total,
  };
}
