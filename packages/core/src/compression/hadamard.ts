import * as wasm from "../random/wasm-code.ts";

/**
 * The unnormalised Walsh-Hadamard transform in natural order, level by level from neighbours on. Numbers are in rows, which
 * WebAssembly transforms two at a time; the bits are those of the plain loops, which run where there are no such vectors.
 */
export interface Transform {
  /** Numbers of a row; a power of two. */
  readonly row: number;
  /** Where a row begins is a multiple of it: rows have a gap between them, as caches mix up what is a power of two apart. */
  readonly stride: number;
  /** [rows * stride]; at first they are what a transform before left. */
  readonly numbers: Float64Array;
  /**
   * Transforms `numbers` in place. `fill` writes a row, while it is in the cache, from `to` on; those from `rows` on become
   * zeros. Without it, numbers are taken as they are.
   */
  run(rows?: number, fill?: (row: number, to: number) => void): void;
}

/** Numbers of a row: 32 KB, stays in the first-level cache. */
const ROW = 4096;
/** Numbers between rows: 64 bytes. */
const GAP = 8;
/** Longer transforms go without WebAssembly, whose memory stays with the thread: 134 MB. */
const LONGEST = 2 ** 24;

/** A transform of d numbers, a power of two; the one before it is no longer to be used. */
export function transformOf(d: number): Transform {
  const row = Math.min(d, ROW);
  const compiled = d >= ROW && d <= LONGEST ? kernels() : undefined;
  if (compiled === undefined) {
    const numbers = new Float64Array(d);
    const run = (rows = 0, fill?: (row: number, to: number) => void) => {
      if (fill !== undefined) {
        for (let r = 0; r < rows; r++) fill(r, r * row);
        numbers.fill(0, rows * row);
      }
      plainTransform(numbers);
    };
    return { row, stride: row, numbers, run };
  }
  const { memory } = compiled;
  const stride = ROW + GAP;
  const length = (d / ROW) * stride;
  const missing = 8 * length - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
  const numbers = new Float64Array(memory.buffer, 0, length);
  const run: Transform["run"] = (rows = d / ROW, fill) => {
    numbers.fill(0, rows * stride);
    transformRows(compiled, d / ROW, rows, fill);
  };
  return { row, stride, numbers, run };
}

/** Addresses and lengths are in bytes. */
interface Kernels {
  readonly memory: WebAssembly.Memory;
  /** The levels of half-widths 1 and 2 from `begin` to `end`. */
  first(begin: number, end: number): void;
  /**
   * The levels of half-widths `half` and 2 `half` from `begin` to `end`, for the first `width` bytes from each multiple of
   * `step` on.
   */
  two(begin: number, end: number, half: number, step: number, width: number): void;
  /** The same for the level of half-width `half` alone. */
  one(begin: number, end: number, half: number, step: number, width: number): void;
}

function transformRows(
  { first, two, one }: Kernels,
  rows: number,
  filled: number,
  fill?: (row: number, to: number) => void,
): void {
  const [bytes, step] = [8 * ROW, 8 * (ROW + GAP)];
  for (let row = 0, begin = 0; row < filled; row++, begin += step) {
    fill?.(row, begin / 8);
    first(begin, begin + bytes);
    for (let half = 4 * 8; half < bytes; half *= 4) two(begin, begin + bytes, half, half, half);
  }
  // All rows for a few numbers of each, 64 bytes, which stay in the cache.
  for (let begin = 0; begin < bytes; begin += 64) {
    const end = begin + rows * step;
    let half = 1;
    for (; 2 * half < rows; half *= 4) two(begin, end, half * step, step, 64);
    if (half < rows) one(begin, end, half * step, step, 64);
  }
}

let built: Kernels | undefined | "none";

function kernels(): Kernels | undefined {
  built ??= (wasm.instantiate([firstLevels(), twoLevels(), oneLevel()]) as Kernels | undefined) ?? "none";
  return built === "none" ? undefined : built;
}

const { addDoubles: plus, subDoubles: minus, addI32, get, i32, load, set, store, shuffle } = wasm;
const bytesOfDoubles = (a: number, b: number) => [a, b].flatMap((d) => Array.from({ length: 8 }, (_, i) => 8 * d + i));

function firstLevels(): wasm.WasmFunction {
  const [at, end, left, right, sums, gaps] = [0, 1, 2, 3, 4, 5] as const;
  const body = wasm.repeatWhileLess(
    [
      ...set(left, load(get(at), 0)),
      ...set(right, load(get(at), 16)),
      ...set(sums, shuffle(get(left), get(right), bytesOfDoubles(0, 2))),
      ...set(gaps, shuffle(get(left), get(right), bytesOfDoubles(1, 3))),
      ...set(left, plus(get(sums), get(gaps))),
      ...set(right, minus(get(sums), get(gaps))),
      ...set(sums, shuffle(get(left), get(right), bytesOfDoubles(0, 2))),
      ...set(gaps, shuffle(get(left), get(right), bytesOfDoubles(1, 3))),
      ...store(get(at), 0, plus(get(sums), get(gaps))),
      ...store(get(at), 16, minus(get(sums), get(gaps))),
      ...set(at, addI32(get(at), i32(32))),
    ],
    get(at),
    get(end),
  );
  return { name: "first", parameters: 2, vectors: 4, integers: 0, body };
}

/** Loops over groups of `each` half-widths, over the steps of the first one, and over 32 bytes of its width at a time. */
function inGroups(each: number, half: number, own: number, butterfly: wasm.Code): wasm.Code {
  const [begin, end, step, width] = [0, 1, 3, 4] as const;
  const [stop, from, last] = [own, own + 1, own + 2] as const;
  const at = own + 3;
  const again = wasm.repeatWhileLess([...butterfly, ...set(at, addI32(get(at), i32(32)))], get(at), get(last));
  const skipped = Array.from({ length: each }).reduce<wasm.Code>((sum) => addI32(sum, get(half)), get(begin));
  return wasm.repeatWhileLess(
    [
      ...set(from, get(begin)),
      ...set(stop, addI32(get(begin), get(half))),
      ...wasm.repeatWhileLess(
        [
          ...set(at, get(from)),
          ...set(last, addI32(get(from), get(width))),
          ...again,
          ...set(from, addI32(get(from), get(step))),
        ],
        get(from),
        get(stop),
      ),
      ...set(begin, skipped),
    ],
    get(begin),
    get(end),
  );
}

function twoLevels(): wasm.WasmFunction {
  const half = 2;
  const [a, b, c, d, x, y] = [5, 6, 7, 8, 9, 10] as const;
  const own = 11;
  const at = own + 3;
  const [second, third, fourth] = [own + 4, own + 5, own + 6] as const;
  const butterfly = (offset: number): wasm.Code => [
    ...set(x, load(get(at), offset)),
    ...set(y, load(get(second), offset)),
    ...set(a, plus(get(x), get(y))),
    ...set(b, minus(get(x), get(y))),
    ...set(x, load(get(third), offset)),
    ...set(y, load(get(fourth), offset)),
    ...set(c, plus(get(x), get(y))),
    ...set(d, minus(get(x), get(y))),
    ...store(get(at), offset, plus(get(a), get(c))),
    ...store(get(second), offset, plus(get(b), get(d))),
    ...store(get(third), offset, minus(get(a), get(c))),
    ...store(get(fourth), offset, minus(get(b), get(d))),
  ];
  const body = inGroups(4, half, own, [
    ...set(second, addI32(get(at), get(half))),
    ...set(third, addI32(get(second), get(half))),
    ...set(fourth, addI32(get(third), get(half))),
    ...butterfly(0),
    ...butterfly(16),
  ]);
  return { name: "two", parameters: 5, vectors: 6, integers: 7, body };
}

function oneLevel(): wasm.WasmFunction {
  const half = 2;
  const [x, y] = [5, 6] as const;
  const own = 7;
  const at = own + 3;
  const second = own + 4;
  const butterfly = (offset: number): wasm.Code => [
    ...set(x, load(get(at), offset)),
    ...set(y, load(get(second), offset)),
    ...store(get(at), offset, plus(get(x), get(y))),
    ...store(get(second), offset, minus(get(x), get(y))),
  ];
  const body = inGroups(2, half, own, [...set(second, addI32(get(at), get(half))), ...butterfly(0), ...butterfly(16)]);
  return { name: "one", parameters: 5, vectors: 2, integers: 5, body };
}

function plainTransform(x: Float64Array): void {
  const block = Math.min(ROW, x.length);
  for (let begin = 0; begin < x.length; begin += block) butterflies(x, begin, begin + block, 1, block);
  butterflies(x, 0, x.length, block, x.length);
}

/** The levels of half-widths from `first` to below `last`, two at a time: each number is added as level by level. */
function butterflies(x: Float64Array, from: number, to: number, first: number, last: number): void {
  let half = first;
  for (; 2 * half < last; half *= 4) {
    for (let begin = from; begin < to; begin += 4 * half) {
      for (let i = begin; i < begin + half; i++) {
        const a = x[i]! + x[i + half]!;
        const b = x[i]! - x[i + half]!;
        const c = x[i + 2 * half]! + x[i + 3 * half]!;
        const d = x[i + 2 * half]! - x[i + 3 * half]!;
        x[i] = a + c;
        x[i + half] = b + d;
        x[i + 2 * half] = a - c;
        x[i + 3 * half] = b - d;
      }
    }
  }
  if (half >= last) return;
  for (let begin = from; begin < to; begin += 2 * half) {
    for (let i = begin; i < begin + half; i++) {
      const a = x[i]!;
      const b = x[i + half]!;
      x[i] = a + b;
      x[i + half] = a - b;
    }
  }
}
