/**
 * A protobuf message under construction: wire types 0 (varint), 1 (double), 2 (bytes) and 5 (float).
 *
 * @example
 * ```ts
 * import { MessageWriter } from "@anabranch/engine";
 * new MessageWriter().varint(1, 150).text(2, "hi").finish(); // => [8, 150, 1, 18, 2, 104, 105]
 * ```
 */
export class MessageWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  varint(field: number, value: number): this {
    this.#tag(field, 0);
    this.#writeVarint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.#tag(field, 5);
    this.#reserve(4);
    new DataView(this.#bytes.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  double(field: number, value: number): this {
    this.#tag(field, 1);
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, 2);
    this.#writeVarint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  message(field: number, value: MessageWriter): this {
    return this.bytes(field, value.finish());
  }

  packedVarints(field: number, values: readonly number[]): this {
    const inner = new MessageWriter();
    for (const v of values) inner.#writeVarint(v);
    return this.bytes(field, inner.finish());
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #tag(field: number, wireType: number): void {
    this.#writeVarint(field * 8 + wireType);
  }

  #writeVarint(value: number): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value)); // negative numbers take ten bytes, two's complement
    while (rest >= 128n) {
      this.#bytes[this.#length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
