import { refuse } from "./refusal.ts";

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Reads a message from the front; everything that is not exactly as it must be is refused as `malformed`. */
export class WireReader {
  readonly where: string;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array, where: string) {
    // the slices of a Buffer of Node are no copies
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.where = where;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** A copy of the next bytes. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    if (count > this.left) {
      refuse("malformed", "a message is cut short", {
        where: this.where,
        received: `${this.left} bytes`,
        expected: `${count} bytes more`,
      });
    }
    const part = this.#bytes.slice(this.#at, this.#at + count);
    this.#at += count;
    return part;
  }

  u8(): number {
    return this.bytes(1)[0]!;
  }

  u32(): number {
    return new DataView(this.bytes(4).buffer).getUint32(0, true);
  }

  /**
   * A list: its length, then entries of `entryBytes` bytes that start with a client, in ascending order. Its length is
   * held against the bytes that are there before anything is read.
   */
  entries<T>(most: number, entryBytes: number, read: (client: number) => T): T[] {
    const count = this.u32();
    if (count > most || count * entryBytes !== this.left) {
      refuse("malformed", "a list does not have the length that it says", {
        where: this.where,
        received: `${count} entries in ${this.left} bytes`,
        expected: `at most ${most} entries of ${entryBytes} bytes`,
      });
    }
    let previous = -1;
    return Array.from({ length: count }, () => {
      const client = this.u32();
      if (client <= previous) refuse("malformed", "the clients of a list do not ascend", { where: this.where });
      previous = client;
      return read(client);
    });
  }

  /** Nothing may follow. */
  end(): void {
    if (this.left > 0) {
      refuse("malformed", "a message has bytes too many", { where: this.where, received: `${this.left} bytes more` });
    }
  }
}
