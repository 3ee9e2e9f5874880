/** Damaged copies of valid files, from a seed. */

/** Values at which sizes and counts go wrong. */
const EDGES = [0, 1, 127, 128, 254, 255];
const WORDS = [0, 1, 2 ** 16 - 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

export type Random = (below: number) => number;

/** Whole numbers below a bound (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A file with one to four damages; `others` are cut and pasted from. */
export function mutate(file: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Uint8Array = file.slice();
  for (let left = 1 + random(4); left > 0; left--) bytes = damage(bytes, others, random);
  return bytes;
}

function damage(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random(bytes.length + 1);
  const length = random(16);
  switch (random(8)) {
    case 0:
      return replaced(bytes, at, [random(256)]);
    case 1:
      return replaced(bytes, at, [(bytes[at] ?? 0) ^ (1 << random(8))]);
    case 2:
      return replaced(bytes, at, [EDGES[random(EDGES.length)]!]);
    case 3: {
      const word = WORDS[random(WORDS.length)]!;
      const parts = [0, 8, 16, 24].map((shift) => word >>> shift);
      return replaced(bytes, at, random(2) === 0 ? parts : parts.reverse());
    }
    case 4: // the longest varint of 32 bits, with some end
      return replaced(bytes, at, [255, 255, 255, 255, random(16)]);
    case 5:
      return bytes.slice(0, at);
    case 6:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
    default: {
      const other = others[random(others.length)]!;
      const from = random(other.length + 1);
      return Uint8Array.from([...bytes.subarray(0, at), ...other.subarray(from, from + length), ...bytes.subarray(at)]);
    }
  }
}

function replaced(bytes: Uint8Array, at: number, values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  for (const [i, value] of values.entries()) if (at + i < copy.length) copy[at + i] = value;
  return copy;
}
