import { AnabranchError } from "@anabranch/engine";

/** Writes integers of any width up to 32 bits, most significant bit first. `finish` pads the last byte with zeros. */
export class BitWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  /** Bits that are not in `#bytes` yet, fewer than 32. */
  #word = 0;
  #used = 0;

  /** Appends the lowest `width` bits of `value`. */
  write(value: number, width: number): void {
    const free = 32 - this.#used;
    if (width < free) {
      this.#word = (this.#word << width) | (value & ((1 << width) - 1));
      this.#used += width;
      return;
    }
    const over = width - free;
    this.#flush(free === 32 ? value : (this.#word << free) | ((value >>> over) & ((1 << free) - 1)));
    this.#word = value & ((1 << over) - 1);
    this.#used = over;
  }

  /** Appends values of one width, from 1 to 31, which have no bits above it. */
  writeAll(values: Uint16Array | Uint32Array, width: number): void {
    this.#reserve(4 * Math.ceil((values.length * width) / 32) + 4);
    const view = this.#view;
    let [length, word, used] = [this.#length, this.#word, this.#used];
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const over = used + width - 32;
      if (over < 0) {
        word = (word << width) | value;
        used += width;
      } else {
        view.setInt32(length, (word << (width - over)) | (value >>> over));
        length += 4;
        word = value & ((1 << over) - 1);
        used = over;
      }
    }
    [this.#length, this.#word, this.#used] = [length, word, used];
  }

  /** Appends the Elias gamma code of an integer of at least 1: 2 floor(log2 g) + 1 bits. */
  gamma(value: number): void {
    const log = 31 - Math.clz32(value);
    if (log < 16) this.write(value, 2 * log + 1);
    else {
      this.write(0, log);
      this.write(value, log + 1);
    }
  }

  /** Appends a float of `size` bytes, little-endian, at the present bit. */
  float(value: number, size: FloatBytes): void {
    if (size === 4) scratch.setFloat32(0, value, true);
    else scratch.setFloat64(0, value, true);
    for (let at = 0; at < size; at += 4) this.write(scratch.getUint32(at), 32);
  }

  finish(): Uint8Array<ArrayBuffer> {
    const length = this.#length + Math.ceil(this.#used / 8);
    if (this.#used > 0) this.#flush(this.#word << (32 - this.#used));
    return this.#bytes.slice(0, length);
  }

  #flush(word: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(4);
    this.#view.setInt32(this.#length, word);
    this.#length += 4;
  }

  /** Makes place for so many bytes more. */
  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, 4 * Math.ceil(needed / 4)));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Widths that fit one word of the bytes wherever they begin in a byte. */
export const WIDEST = 25;

/** Reads what `BitWriter` wrote. Throws `update/codec` at the end of the bytes. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Bit from which a whole word can no longer be read. */
  readonly #lastWord: number;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#lastWord = 8 * (bytes.length - 3);
  }

  read(width: number): number {
    if (width <= WIDEST && width > 0 && this.#at < this.#lastWord) {
      const value = (this.#view.getInt32(this.#at >>> 3) << (this.#at & 7)) >>> (32 - width);
      this.#at += width;
      return value;
    }
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

  /** The next `WIDEST` bits from the highest of the word down, without taking them; 0 where fewer than a word is left. */
  peek(): number {
    return this.#at < this.#lastWord ? this.#view.getInt32(this.#at >>> 3) << (this.#at & 7) : 0;
  }

  skip(width: number): void {
    this.#at += width;
  }

  /** Fills `out` with values of one width, from 1 to 25. */
  readAll(out: Uint32Array, width: number): void {
    const view = this.#view;
    const safe = Math.min(out.length, Math.max(0, Math.ceil((this.#lastWord - this.#at) / width)));
    let at = this.#at;
    for (let i = 0; i < safe; i++, at += width) out[i] = (view.getInt32(at >>> 3) << (at & 7)) >>> (32 - width);
    this.#at = at;
    for (let i = safe; i < out.length; i++) out[i] = this.read(width);
  }

  gamma(): number {
    if (this.#at < this.#lastWord) {
      const word = this.#view.getInt32(this.#at >>> 3) << (this.#at & 7);
      const width = 2 * Math.clz32(word) + 1;
      if (width <= WIDEST) {
        this.#at += width;
        return word >>> (32 - width);
      }
    }
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

/** Bits of an index below n: max(1, ceil(log2 n)). */
export function indexBits(n: number): number {
  return Math.max(1, 32 - Math.clz32(Math.max(1, n) - 1));
}
