/**
 * Structures in Thrift's compact protocol, as Parquet's footer and page headers have them.
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 * Every list and text is checked against the bytes that are left, so that the values take memory in proportion to them.
 */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;
export type ThriftValue = number | boolean | Uint8Array | readonly ThriftValue[] | ThriftStruct;

/** Structures and lists inside each other; a Parquet footer has 7. */
const MAX_DEPTH = 32;

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

/**
 * Reads the structure that begins at an offset.
 *
 * @returns its fields by number and the offset after it
 * @throws Error where the bytes are no such structure
 */
export function readThrift(bytes: Uint8Array, offset: number): { fields: ThriftStruct; end: number } {
  const cursor = { bytes, at: offset };
  return { fields: readStruct(cursor, 1), end: cursor.at };
}

function readStruct(cursor: Cursor, depth: number): ThriftStruct {
  if (depth > MAX_DEPTH) throw new Error("structures are nested too deeply");
  const fields = new Map<number, ThriftValue>();
  let number = 0;
  for (;;) {
    const head = byte(cursor);
    if ((head & 15) === 0) return fields;
    number = head >> 4 === 0 ? zigzag(cursor) : number + (head >> 4);
    fields.set(number, readValue(cursor, head & 15, depth));
  }
}

function readValue(cursor: Cursor, type: number, depth: number): ThriftValue {
  switch (type) {
    case 1:
    case 2:
      return type === 1;
    case 3:
      return (byte(cursor) << 24) >> 24;
    case 4:
    case 5:
    case 6:
      return zigzag(cursor);
    case 7:
      return take(cursor, 8).length; // no double matters here
    case 8:
      return take(cursor, varint(cursor));
    case 9:
      return readList(cursor, depth + 1);
    case 12:
      return readStruct(cursor, depth + 1);
    default:
      throw new Error(`a field of the unknown type ${type}`);
  }
}

function readList(cursor: Cursor, depth: number): ThriftValue[] {
  if (depth > MAX_DEPTH) throw new Error("lists are nested too deeply");
  const head = byte(cursor);
  const length = head >> 4 === 15 ? varint(cursor) : head >> 4;
  // Every element takes a byte or more.
  if (length > cursor.bytes.length - cursor.at) throw new Error(`a list of ${length} elements does not fit`);
  const type = head & 15;
  const values: ThriftValue[] = [];
  for (let i = 0; i < length; i++) {
    values.push(type === 1 || type === 2 ? byte(cursor) === 1 : readValue(cursor, type, depth));
  }
  return values;
}

function byte(cursor: Cursor): number {
  const value = cursor.bytes[cursor.at++];
  if (value === undefined) throw new Error("a structure is cut off");
  return value;
}

function take(cursor: Cursor, length: number): Uint8Array {
  if (length > cursor.bytes.length - cursor.at) throw new Error(`a text of ${length} bytes does not fit`);
  cursor.at += length;
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

/** An unsigned LEB128 number of at most 10 bytes; exact up to 2^53. */
function varint(cursor: Cursor): number {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const part = byte(cursor);
    value += (part & 127) * 2 ** (7 * i);
    if (part < 128) return value;
  }
  throw new Error("a number is too long");
}

function zigzag(cursor: Cursor): number {
  const value = varint(cursor);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/**
 * A number that a file may claim: an integer of at least 0 that fits 32 bits, as decoders count.
 *
 * @param what it is, for the error
 */
export function size(value: ThriftValue | undefined, what: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  throw new Error(`the ${what}: ${typeof value === "number" ? value : "not a number"}`);
}

export function list(value: ThriftValue | undefined, what: string): readonly ThriftValue[] {
  if (Array.isArray(value)) return value;
  throw new Error(`the ${what}: not a list`);
}

export function struct(value: ThriftValue | undefined, what: string): ThriftStruct {
  if (value instanceof Map) return value;
  throw new Error(`the ${what}: not a structure`);
}

export function structs(value: ThriftValue | undefined, what: string): ThriftStruct[] {
  return list(value, what).map((element) => struct(element, what));
}

export function text(value: ThriftValue | undefined): string {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : "";
}
