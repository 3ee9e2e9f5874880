import { requireSize } from "./plain-file.ts";

/** Bytes in lines that are too long after which a file is given up: a hole of the disk takes no room, but time. */
const mostPassedOver = 2 ** 30;

/** A line that comes in parts. */
export class LineBuffer {
  readonly #limit: number;
  readonly #path: string;
  #parts: Buffer[] = [];
  #length = 0;
  /** Bytes of earlier lines that were too long. */
  #passedOver = 0;

  constructor(limit: number, path: string) {
    this.#limit = limit;
    this.#path = path;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Keeps a part; the caller goes on using its memory. */
  add(part: Buffer): void {
    this.#length += part.length;
    if (this.#length <= this.#limit) {
      this.#parts.push(Buffer.from(part));
      return;
    }
    this.#parts = [];
    requireSize(this.#passedOver + this.#length, mostPassedOver, this.#path);
  }

  /** The line with its last part; undefined where it is too long. */
  end(part: Buffer): string | undefined {
    const length = this.#length + part.length;
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    if (length > this.#limit) {
      this.#passedOver += length;
      return undefined;
    }
    return parts.length === 0 ? part.toString("utf8") : Buffer.concat([...parts, part]).toString("utf8");
  }
}
