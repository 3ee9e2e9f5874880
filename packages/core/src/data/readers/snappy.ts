/**
 * Unpacks a raw Snappy block. Every length is checked against what is left of input and output, so that time and memory
 * are bounded by both.
 * Source: https://github.com/google/snappy/blob/main/format_description.txt
 *
 * @param length of the unpacked bytes
 * @throws Error where the block is damaged or has another length
 */
export function unpackSnappy(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  let from = 0;
  while (input[from]! >= 128) from++; // the length, which the caller knows
  from++;
  let to = 0;
  while (from < input.length) {
    const tag = input[from++]!;
    const kind = tag & 3;
    if (kind === 0) {
      const extra = Math.max(0, (tag >>> 2) - 59);
      const count = 1 + (extra === 0 ? tag >>> 2 : littleEndian(input, from, extra));
      from += extra;
      if (from + count > input.length || to + count > length) throw new Error("a literal does not fit");
      output.set(input.subarray(from, from + count), to);
      from += count;
      to += count;
    } else {
      const bytes = kind === 3 ? 4 : kind;
      const count = kind === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2);
      const offset = littleEndian(input, from, bytes) + (kind === 1 ? (tag >>> 5) * 256 : 0);
      from += bytes;
      if (offset === 0 || offset > to || to + count > length) throw new Error("a copy does not fit");
      // Byte by byte: a copy may reach into itself.
      for (let i = 0; i < count; i++, to++) output[to] = output[to - offset]!;
    }
  }
  if (to !== length) throw new Error(`${to} bytes instead of ${length}`);
  return output;
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  if (at + count > bytes.length) throw new Error("the block is cut off");
  let value = 0;
  for (let i = 0; i < count; i++) value += bytes[at + i]! * 2 ** (8 * i);
  return value;
}
