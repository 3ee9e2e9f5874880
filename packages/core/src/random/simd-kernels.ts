import {
  add,
  addI32,
  type Code,
  get,
  highHalves,
  i32,
  instantiate,
  lanes,
  load,
  lowHalves,
  mulFloats,
  onesInBytes,
  or,
  repeatWhileLess,
  set,
  shiftLeft,
  shiftRight,
  shuffle,
  splat,
  store,
  sumBytePairs,
  sumHalfPairs,
  toFloats,
  type WasmFunction,
  xor,
} from "./wasm-code.ts";

/**
 * Threefry, and numbers made of its words, in WebAssembly with vectors of 128 bits. Integers, and floats that are exact: the
 * bits are those of the plain loops, which run where there are no such vectors. Words lie at the begin of the memory,
 * numbers made of them from `NUMBERS` on. Lengths are in bytes of what is written and are rounded up to 128.
 */
export interface SimdKernels {
  readonly memory: WebAssembly.Memory;
  /** The blocks from a counter on; its low word must not wrap on the way. */
  threefry(key0: number, key1: number, counterLow: number, counterHigh: number, bytes: number): void;
  /** Each two words to the float (ones among their 64 bits - 32) / 4. */
  binomial(bytes: number): void;
  /** Each half of a word, the lower one first, to the float (2 half - 65535) / 65536. */
  uniform(bytes: number): void;
}

/** Where numbers begin in the memory; as many bytes as there are for words. */
export const NUMBERS = 32_768;

let built: SimdKernels | undefined | "none";

/** The kernels; undefined where the platform has no such vectors, or forbids WebAssembly. */
export function simdKernels(): SimdKernels | undefined {
  built ??= (instantiate([threefry(), binomial(), uniform()]) as SimdKernels | undefined) ?? "none";
  return built === "none" ? undefined : built;
}

const PARITY = 0x1bd11bda;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
/** Vectors of four blocks that are computed together, so that one hides the latency of the other. */
const GROUPS = 4;

function threefry(): WasmFunction {
  const [key0, key1, low, high, bytes] = [0, 1, 2, 3, 4].map(get) as [Code, Code, Code, Code, Code];
  const x = (group: number) => 5 + group;
  const y = (group: number) => 5 + GROUPS + group;
  const own = 5 + 2 * GROUPS;
  const [counter, k0, k1, k2, start] = [own, own + 1, own + 2, own + 3, own + 4] as const;
  const keysOfX = [k1, k2, k0, k1, k2] as const;
  const keysOfY = [k2, k0, k1, k2, k0] as const;
  const numbered = (injection: number) => own + 5 + injection;
  const at = own + 10;
  const groups = (code: (group: number) => Code): Code => Array.from({ length: GROUPS }, (_, g) => code(g)).flat();
  const mix = (r: number) =>
    groups((g) => [
      ...set(x(g), add(get(x(g)), get(y(g)))),
      ...set(y(g), xor(rotated(get(y(g)), ROTATIONS[r % 8]!), get(x(g)))),
    ]);
  const inject = (i: number) =>
    groups((g) => [...set(x(g), add(get(x(g)), get(keysOfX[i]!))), ...set(y(g), add(get(y(g)), get(numbered(i))))]);
  const eightBlocks: Code = [
    ...groups((g) => [...set(x(g), add(add(get(counter), splat(i32(4 * g))), get(k0))), ...set(y(g), get(start))]),
    ...Array.from({ length: 20 }, (_, r) => (r % 4 === 3 ? [...mix(r), ...inject((r - 3) / 4)] : mix(r))).flat(),
    ...groups((g) => [
      ...store(get(at), 32 * g, shuffle(get(x(g)), get(y(g)), bytesOf([0, 4, 1, 5]))),
      ...store(get(at), 32 * g + 16, shuffle(get(x(g)), get(y(g)), bytesOf([2, 6, 3, 7]))),
    ]),
    ...set(counter, add(get(counter), splat(i32(4 * GROUPS)))),
    ...set(at, addI32(get(at), i32(32 * GROUPS))),
  ];
  const body: Code = [
    ...set(k0, splat(key0)),
    ...set(k1, splat(key1)),
    ...set(k2, xor(xor(get(k0), get(k1)), splat(i32(PARITY)))),
    ...set(start, add(splat(high), get(k1))),
    ...keysOfY.flatMap((key, i) => set(numbered(i), add(get(key), splat(i32(i + 1))))),
    ...set(counter, add(splat(low), lanes(0, 1, 2, 3))),
    ...repeatWhileLess(eightBlocks, get(at), bytes),
  ];
  return { name: "threefry", parameters: 5, vectors: at - 5, integers: 1, body };
}

function binomial(): WasmFunction {
  const [bytes, left, right, words, at] = [0, 1, 2, 3, 4] as const;
  const ones = (offset: number) => sumHalfPairs(sumBytePairs(onesInBytes(load(get(words), offset))));
  const picked = (indices: readonly number[]) => shuffle(get(left), get(right), bytesOf(indices));
  const fourNumbers: Code = [
    ...set(left, ones(0)),
    ...set(right, ones(16)),
    ...store(
      get(at),
      NUMBERS,
      mulFloats(
        toFloats(add(add(picked([0, 2, 4, 6]), picked([1, 3, 5, 7])), splat(i32(-32)))),
        splat(i32(floatBits(1 / 4))),
      ),
    ),
    ...set(words, addI32(get(words), i32(32))),
    ...set(at, addI32(get(at), i32(16))),
  ];
  const body = repeatWhileLess(fourNumbers, get(at), get(bytes));
  return { name: "binomial", parameters: 1, vectors: 2, integers: 2, body };
}

function uniform(): WasmFunction {
  const [bytes, halves, words, at] = [0, 1, 2, 3] as const;
  const centred = (half: Code) =>
    mulFloats(toFloats(add(shiftLeft(half, 1), splat(i32(-65_535)))), splat(i32(floatBits(1 / 65_536))));
  const eightNumbers: Code = [
    ...set(halves, load(get(words), 0)),
    ...store(get(at), NUMBERS, centred(lowHalves(get(halves)))),
    ...store(get(at), NUMBERS + 16, centred(highHalves(get(halves)))),
    ...set(words, addI32(get(words), i32(16))),
    ...set(at, addI32(get(at), i32(32))),
  ];
  const body = repeatWhileLess(eightNumbers, get(at), get(bytes));
  return { name: "uniform", parameters: 1, vectors: 1, integers: 2, body };
}

function rotated(a: Code, bits: number): Code {
  return or(shiftLeft(a, bits), shiftRight(a, 32 - bits));
}

/** Bytes of words of two vectors, 0 to 3 of the first and 4 to 7 of the second. */
function bytesOf(words: readonly number[]): number[] {
  return words.flatMap((word) => [4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3]);
}

function floatBits(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}
