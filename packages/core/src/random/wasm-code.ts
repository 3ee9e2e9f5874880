/**
 * Pieces of WebAssembly code as byte lists, and a module around functions made of them: just what the kernels of this package
 * need.
 * The numbers are opcodes of the specification, https://webassembly.github.io/spec/core/binary/instructions.html.
 */
export type Code = readonly number[];

const I32 = 0x7f;
const V128 = 0x7b;

/** An unsigned number in LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const rest = value >> 7;
  const last = (rest === 0 && (value & 64) === 0) || (rest === -1 && (value & 64) !== 0);
  return last ? [value & 127] : [(value & 127) | 128, ...signed(rest)];
}

function vector(opcode: number, ...operands: Code[]): Code {
  return [...operands.flat(), 0xfd, ...unsigned(opcode)];
}

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
export const i32 = (value: number): Code => [0x41, ...signed(value | 0)];
export const addI32 = (a: Code, b: Code): Code => [...a, ...b, 0x6a];

export const mulI32 = (a: Code, b: Code): Code => [...a, ...b, 0x6c];
export const onesInI32 = (a: Code): Code => [...a, 0x69];
export const storeI32 = (at: Code, offset: number, value: Code): Code => [
  ...[...at, ...value, 0x36, 0x02],
  ...unsigned(offset),
];

/** Runs `body` again as long as a < b, unsigned. */
export const repeatWhileLess = (body: Code, a: Code, b: Code): Code => [
  ...[0x03, 0x40, ...body],
  ...[...a, ...b, 0x49, 0x0d, 0x00, 0x0b],
];

export const splat = (a: Code) => vector(0x11, a);
export const add = (a: Code, b: Code) => vector(0xae, a, b);
export const or = (a: Code, b: Code) => vector(0x50, a, b);
export const xor = (a: Code, b: Code) => vector(0x51, a, b);
export const shiftLeft = (a: Code, bits: number) => vector(0xab, a, i32(bits));
export const shiftRight = (a: Code, bits: number) => vector(0xad, a, i32(bits));
export const and = (a: Code, b: Code) => vector(0x4e, a, b);
/** The bits of a that b has not. */
export const without = (a: Code, b: Code) => vector(0x4f, a, b);
export const sub = (a: Code, b: Code) => vector(0xb1, a, b);
export const min = (a: Code, b: Code) => vector(0xb6, a, b);
export const equal = (a: Code, b: Code) => vector(0x37, a, b);
/** Ones where a >= b, signed. */
export const atLeast = (a: Code, b: Code) => vector(0x3f, a, b);
export const signs = (a: Code) => vector(0xac, a, i32(31));
export const mulHalves = (a: Code, b: Code) => vector(0x95, a, b);
export const shiftRightHalves = (a: Code, bits: number) => vector(0x8d, a, i32(bits));
export const shiftLeftHalves = (a: Code, bits: number) => vector(0x8b, a, i32(bits));
/** The words of a, then those of b, as signed halves; larger ones become the largest. */
export const toHalves = (a: Code, b: Code) => vector(0x85, a, b);
export const addHalves = (a: Code, b: Code) => vector(0x8e, a, b);
export const splatHalf = (a: Code) => vector(0x10, a);
export const differentHalves = (a: Code, b: Code) => vector(0x2e, a, b);
/** The highest bits of the halves, that of the first one lowest. */
export const bitsOfHalves = (a: Code) => vector(0x84, a);
export const sub64 = (a: Code, b: Code) => vector(0xd1, a, b);
export const onesInBytes = (a: Code) => vector(0x62, a);
export const sumBytePairs = (a: Code) => vector(0x7d, a);
export const sumHalfPairs = (a: Code) => vector(0x7f, a);
export const lowHalves = (a: Code) => vector(0xa9, a);
export const highHalves = (a: Code) => vector(0xaa, a);
export const toFloats = (a: Code) => vector(0xfa, a);
export const mulFloats = (a: Code, b: Code) => vector(0xe6, a, b);
/** The lower two words, unsigned. */
export const wordsToDoubles = (a: Code) => vector(0xff, a);
/** The lower two floats. */
export const floatsToDoubles = (a: Code) => vector(0x5f, a);
export const absoluteFloats = (a: Code) => vector(0xe0, a);
/** NaN where one of both is. */
export const maxFloats = (a: Code, b: Code) => vector(0xe9, a, b);
export const ceilDoubles = (a: Code) => vector(0x74, a);
/** b where it is smaller, else a. */
export const minDoubles = (a: Code, b: Code) => vector(0xf6, a, b);
export const divDoubles = (a: Code, b: Code) => vector(0xf3, a, b);
export const equalDoubles = (a: Code, b: Code) => vector(0x47, a, b);
/** Ones where a >= b. */
export const atLeastDoubles = (a: Code, b: Code) => vector(0x4c, a, b);
export const addDoubles = (a: Code, b: Code) => vector(0xf0, a, b);
export const subDoubles = (a: Code, b: Code) => vector(0xf1, a, b);
export const mulDoubles = (a: Code, b: Code) => vector(0xf2, a, b);
/** Both lanes are the same double. */
export const doubles = (value: number): Code => [
  ...vector(0x0c),
  ...new Uint8Array(Float64Array.of(value, value).buffer),
];
export const lanes = (...words: readonly number[]): Code => [
  ...vector(0x0c),
  ...new Uint8Array(Int32Array.from(words).buffer),
];
/** Bytes 0 to 15 are those of a, 16 to 31 those of b. */
export const shuffle = (a: Code, b: Code, bytes: readonly number[]): Code => [...vector(0x0d, a, b), ...bytes];
export const load = (at: Code, offset: number): Code => [...vector(0x00, at), 0x04, ...unsigned(offset)];
/** Bytes of a by their places in b. */
export const swizzle = (a: Code, b: Code) => vector(0x0e, a, b);
export const loadFloat = (at: Code, offset: number): Code => [...vector(0x09, at), 0x02, ...unsigned(offset)];
/** The first word of a vector. */
export const storeWord = (at: Code, offset: number, value: Code): Code => [
  ...vector(0x5a, at, value),
  0x02,
  ...unsigned(offset),
  0x00,
];
export const store = (at: Code, offset: number, value: Code): Code => [
  ...vector(0x0b, at, value),
  0x04,
  ...unsigned(offset),
];

/** A function of `parameters` integers without a result; `vectors` locals of 128 bits follow, then `integers`. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: number;
  readonly vectors: number;
  readonly integers: number;
  readonly body: Code;
}

/** What a module of the functions exports; undefined where the platform has no such vectors, or forbids WebAssembly. */
export function instantiate(functions: readonly WasmFunction[]): WebAssembly.Exports | undefined {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(wasmModule(functions))).exports;
  } catch {
    return undefined;
  }
}

/** The bytes of a module that exports the functions and, as `memory`, one page of 64 KiB. */
function wasmModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [
    0x60,
    ...counted(Array.from({ length: parameters }, () => [I32])),
    0,
  ]);
  const bodies = functions.map(({ vectors, integers, body }) =>
    sized([
      ...counted([
        [...unsigned(vectors), V128],
        [...unsigned(integers), I32],
      ]),
      ...body,
      0x0b,
    ]),
  );
  const exports = functions.map(({ name }, i) => [...named(name), 0x00, ...unsigned(i)]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(
      3,
      functions.map((_, i) => unsigned(i)),
    ),
    ...section(5, [[0x00, 0x01]]),
    ...section(7, [...exports, [...named("memory"), 0x02, 0x00]]),
    ...section(10, bodies),
  ]);
}

function section(id: number, items: readonly Code[]): Code {
  return [id, ...sized(counted(items))];
}

function counted(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function sized(code: Code): Code {
  return [...unsigned(code.length), ...code];
}

function named(name: string): Code {
  return sized(Array.from(name, (letter) => letter.charCodeAt(0)));
}
