import { AnabranchError } from "@anabranch/engine";

/** Writes integers of any width up to 32 bits, most significant bit first. `finish` pads the last byte with zeros. */
export class BitWriter {
  #bytes = new Uint8Array(256);
  #length = 0;
  #current = 0;
  #free = 8;

  /** Appends the lowest `width` bits of `value`. */
  write(value: number, width: number): void {
    let left = width;
    while (left > 0) {
      const take = Math.min(left, this.#free);
      const bits = (value >>> (left - take)) & ((1 << take) - 1);
      this.#current = (this.#current << take) | bits;
      this.#free -= take;
      left -= take;
      if (this.#free === 0) this.#flush();
    }
  }

  /** Appends the Elias gamma code of an integer of at least 1: 2 floor(log2 g) + 1 bits. */
  gamma(value: number): void {
    const log = 31 - Math.clz32(value);
    this.write(0, log);
    this.write(value, log + 1);
  }

  /** Appends a float of `size` bytes, little-endian, at the present bit. */
  float(value: number, size: FloatBytes): void {
    for (const byte of bytesOf(value, size)) this.write(byte, 8);
  }

  finish(): Uint8Array<ArrayBuffer> {
    if (this.#free < 8) {
      this.#current <<= this.#free;
      this.#flush();
    }
    return this.#bytes.slice(0, this.#length);
  }

  #flush(): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = this.#current;
    this.#current = 0;
    this.#free = 8;
  }
}

/** Reads what `BitWriter` wrote. Throws `update/codec` at the end of the bytes. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(width: number): number {
    let value = 0;
    let left = width;
    while (left > 0) {
      const byte = this.#bytes[this.#at >>> 3];
      if (byte === undefined) throw malformed("the stream ends early");
      const free = 8 - (this.#at & 7);
      const take = Math.min(left, free);
      value = value * (1 << take) + ((byte >>> (free - take)) & ((1 << take) - 1));
      this.#at += take;
      left -= take;
    }
    return value;
  }

  gamma(): number {
    let log = 0;
    while (this.read(1) === 0) {
      log++;
      if (log > 31) throw malformed("an Elias gamma code is longer than 32 bits");
    }
    return log === 0 ? 1 : 2 ** log + this.read(log);
  }

  float(size: FloatBytes): number {
    for (let i = 0; i < size; i++) scratch.setUint8(i, this.read(8));
    return size === 4 ? scratch.getFloat32(0, true) : scratch.getFloat64(0, true);
  }

  /** Refuses bytes that nothing explains, and padding that is not zero. */
  end(): void {
    const rest = this.#bytes.length * 8 - this.#at;
    if (rest >= 8) throw malformed(`${Math.floor(rest / 8)} bytes are left over`);
    if (rest > 0 && this.read(rest) !== 0) throw malformed("the padding is not zero");
  }
}

/** Bytes of a float on the wire: 4, or 8 where a federation computes in float64. */
export type FloatBytes = 4 | 8;

/** The error of an encoded vector that its codec cannot have written. */
export function malformed(reason: string): AnabranchError {
  return new AnabranchError({
    code: "update/codec",
    message: `an encoded vector cannot be read: ${reason}`,
    advice: "Both sides must use the same model, method, codec and version.",
  });
}

const scratch = new DataView(new ArrayBuffer(8));

function bytesOf(value: number, size: FloatBytes): Uint8Array {
  if (size === 4) scratch.setFloat32(0, value, true);
  else scratch.setFloat64(0, value, true);
  return new Uint8Array(scratch.buffer, 0, size);
}

/** Bits of an index below n: max(1, ceil(log2 n)). */
export function indexBits(n: number): number {
  return Math.max(1, 32 - Math.clz32(Math.max(1, n) - 1));
}
