import type { Vector } from "../params/index.ts";
import * as wasm from "../random/wasm-code.ts";

/**
 * The inner loops of operators on float32 in WebAssembly with vectors of 128 bits. The bits are those of the plain loops of
 * the operators, which run on float64 and where there are no such vectors. Addresses are the constants below; lengths are in
 * bytes of `VALUES` and are rounded up to 32, or to the block.
 */
export interface CodecKernels {
  readonly memory: WebAssembly.Memory;
  /**
   * QSGD: min(s, ceil(|v| f - u)) with the sign of v, as int32 at `RESULTS`. `CONSTANTS` has f and s, each as two doubles.
   * From any byte `begin` on.
   */
  levels(begin: number, end: number): void;
  /** The places of the levels that are not 0, as uint16 at `PLACES`, and the bytes of these, as int32 at `PLACE_BYTES`. */
  nonzeros(bytes: number): void;
  /** The places of the values whose bits without the sign are at least `bound`, in the same way. */
  atLeast(bytes: number, bound: number): void;
  /** Natural compression: eight codes of nine bits in nine bytes at `RESULTS`. */
  powers(bytes: number): void;
  /** The inverse of `powers`, from `RESULTS` to `VALUES`. */
  fromPowers(bytes: number): void;
  /** The largest absolute value of each `block` bytes, as float32 at `SCALES`; NaN where a value is. */
  largest(bytes: number, block: number): void;
  /**
   * Two values to a byte at `RESULTS`, the first one in the upper half: the number of bounds that v / scale reaches, by a
   * table. `CONSTANTS` has the 16 bytes of the table, then 15 bounds, each as two doubles.
   */
  nearest(bytes: number, block: number): void;
}

/** Float32 that are encoded at a time: 16 KB, which stay in the first-level cache with what becomes of them. */
export const CHUNK = 4096;
export const VALUES = 0;
/** A random word for each value: u = word / 2^32. */
export const DRAWS = 4 * CHUNK;
export const RESULTS = 8 * CHUNK;
export const SCALES = 12 * CHUNK;
/** In place of draws. */
const PLACES = DRAWS;
const PLACE_BYTES = DRAWS + 3 * CHUNK;
export const CONSTANTS = SCALES + 2048;
/** For each set of eight halves the bytes of those in it, first ones first. */
const PICKS = CONSTANTS + 512;

/** Bytes of the memory. */
export const PAGE = 65_536;

let built: CodecKernels | undefined | "none";

/** The kernels, where a vector is worth them; undefined where the platform has no such vectors, or forbids WebAssembly. */
export function kernelsFor(vector: Vector): CodecKernels | undefined {
  if (vector.length < CHUNK || !(vector instanceof Float32Array)) return undefined;
  built ??= build() ?? "none";
  return built === "none" ? undefined : built;
}

function build(): CodecKernels | undefined {
  const functions = [levels(), nonzeros(), atLeast(), powers(), fromPowers(), largest(), nearest()];
  const kernels = wasm.instantiate(functions) as CodecKernels | undefined;
  if (kernels === undefined) return undefined;
  const picks = new Uint8Array(kernels.memory.buffer, PICKS, 16 * 256);
  for (let set = 0; set < 256; set++) {
    const halves = [0, 1, 2, 3, 4, 5, 6, 7].filter((half) => ((set >> half) & 1) === 1);
    picks.set(
      halves.flatMap((half) => [2 * half, 2 * half + 1]),
      16 * set,
    );
  }
  return kernels;
}

/** Puts at most `CHUNK` float32 to `VALUES`, and zeros after them. */
export function putValues({ memory }: CodecKernels, values: Vector): void {
  const to = new Float32Array(memory.buffer, VALUES, CHUNK);
  to.set(values);
  to.fill(0, values.length);
}

const { add, addI32, and, get, i32, load, or, set, shiftLeft, shiftRight, shuffle, splat, store, sub } = wasm;
const upperWords = (a: wasm.Code) => shuffle(a, a, bytesOf(4, [2, 3, 2, 3]));
const ints = (value: number) => splat(i32(value));

/** What `nonzeros` and `atLeast` found among the first `length` values. */
export function placesFound({ memory }: CodecKernels, length: number): Uint16Array {
  const [bytes] = new Uint32Array(memory.buffer, PLACE_BYTES, 1);
  const places = new Uint16Array(memory.buffer, PLACES, bytes! / 2);
  return places.subarray(0, places.findLastIndex((i) => i < length) + 1);
}

function levels(): wasm.WasmFunction {
  const [at, end, values, draws, low, high, factor, most, unit, whole] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;
  const level = (value: wasm.Code, draw: wasm.Code) => {
    const exact = wasm.mulDoubles(wasm.floatsToDoubles(wasm.absoluteFloats(value)), get(factor));
    const u = wasm.mulDoubles(wasm.wordsToDoubles(draw), get(unit));
    // Added to 2^52, an integer is the lower word of the double.
    return wasm.addDoubles(wasm.minDoubles(get(most), wasm.ceilDoubles(wasm.subDoubles(exact, u))), get(whole));
  };
  const fourLevels: wasm.Code = [
    ...set(values, load(get(at), VALUES)),
    ...set(draws, load(get(at), DRAWS)),
    ...set(low, level(get(values), get(draws))),
    ...set(high, level(upperWords(get(values)), upperWords(get(draws)))),
    ...set(low, shuffle(get(low), get(high), bytesOf(4, [0, 2, 4, 6]))),
    ...set(values, wasm.signs(get(values))),
    ...store(get(at), RESULTS, sub(wasm.xor(get(low), get(values)), get(values))),
    ...set(at, addI32(get(at), i32(16))),
  ];
  const body = [
    ...set(factor, load(i32(CONSTANTS), 0)),
    ...set(most, load(i32(CONSTANTS), 16)),
    ...set(unit, wasm.doubles(2 ** -32)),
    ...set(whole, wasm.doubles(2 ** 52)),
    ...wasm.repeatWhileLess(fourLevels, get(at), get(end)),
  ];
  return { name: "levels", parameters: 2, vectors: 8, integers: 0, body };
}

/**
 * Collects the places of the halves that `chosen` has the bits of, eight at a time; locals are from `own` on. `start` comes
 * before.
 */
function collect(
  name: string,
  parameters: number,
  start: (own: number) => wasm.Code,
  chosen: (at: wasm.Code, own: number) => wasm.Code,
): wasm.WasmFunction {
  const [bytes, own, places, eight] = [0, parameters, parameters + 1, parameters + 2] as const;
  const [at, to, picked] = [parameters + 3, parameters + 4, parameters + 5] as const;
  const eightPlaces: wasm.Code = [
    ...set(picked, wasm.bitsOfHalves(chosen(get(at), own))),
    ...store(get(to), PLACES, wasm.swizzle(get(places), load(wasm.mulI32(get(picked), i32(16)), PICKS))),
    ...set(to, addI32(get(to), wasm.mulI32(wasm.onesInI32(get(picked)), i32(2)))),
    ...set(places, wasm.addHalves(get(places), get(eight))),
    ...set(at, addI32(get(at), i32(32))),
  ];
  const body = [
    ...start(own),
    ...set(places, wasm.lanes(0x0001_0000, 0x0003_0002, 0x0005_0004, 0x0007_0006)),
    ...set(eight, wasm.splatHalf(i32(8))),
    ...wasm.repeatWhileLess(eightPlaces, get(at), get(bytes)),
    ...wasm.storeI32(i32(0), PLACE_BYTES, get(to)),
  ];
  return { name, parameters, vectors: 3, integers: 3, body };
}

function nonzeros(): wasm.WasmFunction {
  const halves = (at: wasm.Code) => wasm.toHalves(load(at, RESULTS), load(at, RESULTS + 16));
  return collect(
    "nonzeros",
    1,
    () => [],
    (at) => wasm.differentHalves(halves(at), ints(0)),
  );
}

function atLeast(): wasm.WasmFunction {
  const size = (at: wasm.Code, offset: number) => and(load(at, VALUES + offset), ints(0x7fffffff));
  return collect(
    "atLeast",
    2,
    (own) => set(own, splat(get(1))),
    (at, own) => wasm.toHalves(wasm.atLeast(size(at, 0), get(own)), wasm.atLeast(size(at, 16), get(own))),
  );
}

/** Codes c_0 to c_7 as halves, times 2^(7 - j): byte j is the upper byte of the j-th and the lower one of that before it. */
const FORTH = wasm.lanes(0x0040_0080, 0x0010_0020, 0x0004_0008, 0x0001_0002);
/** Times 2^j. */
const BACK = wasm.lanes(0x0002_0001, 0x0008_0004, 0x0020_0010, 0x0080_0040);

function powers(): wasm.WasmFunction {
  const [bytes, code, sign, first, mantissa, largestCode, signBit, exponent, places, at, to] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ] as const;
  const fourCodes = (offset: number): wasm.Code => {
    const value = load(get(at), VALUES + offset);
    const drawn = shiftRight(load(get(at), DRAWS + offset), 9);
    const up = shiftRight(sub(drawn, and(value, get(mantissa))), 31);
    return [
      ...set(sign, shiftRight(value, 23)),
      ...set(code, wasm.min(add(and(get(sign), get(exponent)), up), get(largestCode))),
      ...set(sign, wasm.without(and(get(sign), get(signBit)), wasm.equal(get(code), ints(0)))),
      ...set(code, or(get(code), get(sign))),
    ];
  };
  const eightCodes: wasm.Code = [
    ...fourCodes(0),
    ...set(first, get(code)),
    ...fourCodes(16),
    ...set(code, wasm.mulHalves(wasm.toHalves(get(first), get(code)), get(places))),
    ...store(
      get(to),
      RESULTS,
      or(
        shuffle(get(code), ints(0), [1, 3, 5, 7, 9, 11, 13, 15, 16, 16, 16, 16, 16, 16, 16, 16]),
        shuffle(get(code), ints(0), [16, 0, 2, 4, 6, 8, 10, 12, 14, 16, 16, 16, 16, 16, 16, 16]),
      ),
    ),
    ...set(to, addI32(get(to), i32(9))),
    ...set(at, addI32(get(at), i32(32))),
  ];
  const body = [
    ...set(mantissa, ints(0x7fffff)),
    ...set(largestCode, ints(254)),
    ...set(signBit, ints(256)),
    ...set(exponent, ints(255)),
    ...set(places, FORTH),
    ...wasm.repeatWhileLess(eightCodes, get(at), get(bytes)),
  ];
  return { name: "powers", parameters: 1, vectors: 8, integers: 2, body };
}

function fromPowers(): wasm.WasmFunction {
  const [bytes, codes, back, at, from] = [0, 1, 2, 3, 4] as const;
  const eightValues: wasm.Code = [
    ...set(codes, load(get(from), RESULTS)),
    ...set(codes, shuffle(get(codes), get(codes), [1, 0, 2, 1, 3, 2, 4, 3, 5, 4, 6, 5, 7, 6, 8, 7])),
    ...set(codes, wasm.shiftRightHalves(wasm.mulHalves(get(codes), get(back)), 7)),
    ...store(get(at), VALUES, shiftLeft(wasm.lowHalves(get(codes)), 23)),
    ...store(get(at), VALUES + 16, shiftLeft(wasm.highHalves(get(codes)), 23)),
    ...set(from, addI32(get(from), i32(9))),
    ...set(at, addI32(get(at), i32(32))),
  ];
  const body = [...set(back, BACK), ...wasm.repeatWhileLess(eightValues, get(at), get(bytes))];
  return { name: "fromPowers", parameters: 1, vectors: 2, integers: 2, body };
}

/** Runs `body` for each stretch of `block` bytes, of which `end` becomes the end. */
function eachBlock(body: wasm.Code, bytes: number, block: number, at: number, end: number, scale: number): wasm.Code {
  return wasm.repeatWhileLess(
    [...set(end, addI32(get(at), get(block))), ...body, ...set(scale, addI32(get(scale), i32(4)))],
    get(at),
    get(bytes),
  );
}

function largest(): wasm.WasmFunction {
  const [bytes, block, most, at, end, scale] = [0, 1, 2, 3, 4, 5] as const;
  const size = (offset: number) => wasm.absoluteFloats(load(get(at), VALUES + offset));
  const eightValues: wasm.Code = [
    ...set(most, wasm.maxFloats(get(most), wasm.maxFloats(size(0), size(16)))),
    ...set(at, addI32(get(at), i32(32))),
  ];
  const folded = (places: readonly number[]) =>
    set(most, wasm.maxFloats(get(most), shuffle(get(most), get(most), bytesOf(4, places))));
  const one: wasm.Code = [
    ...set(most, ints(0)),
    ...wasm.repeatWhileLess(eightValues, get(at), get(end)),
    ...folded([2, 3, 0, 1]),
    ...folded([1, 0, 3, 2]),
    ...wasm.storeWord(get(scale), SCALES, get(most)),
  ];
  const body = eachBlock(one, bytes, block, at, end, scale);
  return { name: "largest", parameters: 2, vectors: 1, integers: 3, body };
}

function nearest(): wasm.WasmFunction {
  const [bytes, block, divisor, table, bound] = [0, 1, 2, 3, 4] as const;
  const pairs = [0, 1, 2, 3] as const;
  const x = (pair: number) => 5 + pair;
  const reached = (pair: number) => 9 + pair;
  const [at, end, scale, to] = [13, 14, 15, 16] as const;
  const values = (pair: number) => {
    const four = load(get(at), VALUES + 16 * (pair >> 1));
    return wasm.floatsToDoubles(pair % 2 === 0 ? four : upperWords(four));
  };
  const eightValues: wasm.Code = [
    ...pairs.flatMap((p) => [...set(x(p), wasm.divDoubles(values(p), get(divisor))), ...set(reached(p), ints(0))]),
    ...Array.from({ length: 15 }, (_, b) => [
      ...set(bound, load(i32(CONSTANTS), 16 * (b + 1))),
      ...pairs.flatMap((p) => set(reached(p), wasm.sub64(get(reached(p)), wasm.atLeastDoubles(get(x(p)), get(bound))))),
    ]).flat(),
    ...set(x(0), shuffle(get(reached(0)), get(reached(1)), bytesOf(1, [0, 8, 16, 24]))),
    ...set(x(1), shuffle(get(reached(2)), get(reached(3)), bytesOf(1, [0, 8, 16, 24]))),
    ...set(x(0), wasm.swizzle(get(table), shuffle(get(x(0)), get(x(1)), bytesOf(1, [0, 1, 2, 3, 16, 17, 18, 19])))),
    ...set(x(0), or(wasm.shiftLeftHalves(get(x(0)), 4), wasm.shiftRightHalves(get(x(0)), 8))),
    ...wasm.storeWord(get(to), RESULTS, shuffle(get(x(0)), get(x(0)), bytesOf(1, [0, 2, 4, 6]))),
    ...set(to, addI32(get(to), i32(4))),
    ...set(at, addI32(get(at), i32(32))),
  ];
  const one: wasm.Code = [
    ...set(divisor, wasm.floatsToDoubles(wasm.loadFloat(get(scale), SCALES))),
    // A block of zeros is divided by 1.
    ...set(
      divisor,
      wasm.addDoubles(get(divisor), and(wasm.equalDoubles(get(divisor), wasm.doubles(0)), wasm.doubles(1))),
    ),
    ...wasm.repeatWhileLess(eightValues, get(at), get(end)),
  ];
  const body = [...set(table, load(i32(CONSTANTS), 0)), ...eachBlock(one, bytes, block, at, end, scale)];
  return { name: "nearest", parameters: 2, vectors: 11, integers: 4, body };
}

/** The bytes of numbers of two vectors, each `width` long; beyond those named, the first one again. */
function bytesOf(width: number, places: readonly number[]): number[] {
  return Array.from({ length: 16 }, (_, i) => width * (places[Math.floor(i / width)] ?? 0) + (i % width));
}
