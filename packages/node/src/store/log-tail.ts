import { longestLine } from "./event-lines.ts";
import type { FileSystem, OpenFile } from "./file-system.ts";
import { LineBuffer } from "./line-buffer.ts";

/** A line of a log with its number in the file, from 1. */
export interface NumberedLine {
  readonly number: number;
  readonly text: string;
}

const blockBytes = 256 * 1024;

/** Bytes before the place where reading continues, by which a file that was replaced is recognized. */
const mostRemembered = 256;

/**
 * Reads the whole lines of a growing file, each once, in memory that depends on its longest line alone. A log does not only
 * grow: `resume` drops what it will do again. What was read is then no longer true, and whoever follows begins anew.
 */
export class LogTail {
  readonly #path: string;
  readonly #files: FileSystem;
  readonly #line: LineBuffer;
  #position = 0;
  #number = 0;
  /** Lines of a block that were read and not taken yet. */
  #waiting: NumberedLine[] = [];
  #takenOfWaiting = 0;
  #before = Buffer.alloc(0);
  #size = 0;
  #tooLong = 0;
  #isCut = false;

  /** @param limit bytes of a line; longer ones are passed over */
  constructor(path: string, files: FileSystem, limit = longestLine) {
    this.#path = path;
    this.#files = files;
    this.#line = new LineBuffer(limit, path);
  }

  /** Whether the file was cut, replaced or removed. Nothing more is read then. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Lines that were passed over because they are too long. */
  get tooLong(): number {
    return this.#tooLong;
  }

  /** Bytes that were there at the last look and are still to be read. */
  get bytesLeft(): number {
    return Math.max(0, this.#size - this.#position);
  }

  /**
   * The lines from where the last call ended to the end of the file as it is now. None where there is no file.
   *
   * @throws `store/link`, `store/not-a-file`, `store/too-large` after a gigabyte in lines that are too long
   */
  async *read(): AsyncGenerator<NumberedLine> {
    yield* this.#taken();
    if (this.#isCut) return;
    const file = await this.#files.open(this.#path);
    if (file === undefined) {
      this.#isCut = this.#position > 0;
      return;
    }
    try {
      const block = Buffer.alloc(blockBytes);
      for (;;) {
        // looked at for each block: whoever takes the lines may take long, and the file be cut meanwhile
        this.#size = (await file.stat()).size;
        this.#isCut = !(await this.#continues(file));
        if (this.#isCut || this.bytesLeft === 0) return;
        const { bytesRead } = await file.read(block, 0, block.length, this.#position);
        this.#take(block.subarray(0, bytesRead));
        yield* this.#taken();
        if (bytesRead < block.length) return;
      }
    } finally {
      await file.close();
    }
  }

  *#taken(): Generator<NumberedLine> {
    // a block of empty lines has so many that to shift each from the array would take minutes
    while (this.#takenOfWaiting < this.#waiting.length) yield this.#waiting[this.#takenOfWaiting++]!;
    this.#waiting = [];
    this.#takenOfWaiting = 0;
  }

  #take(block: Buffer): void {
    let start = 0;
    for (let end = block.indexOf(10, start); end >= 0; end = block.indexOf(10, start)) {
      const text = this.#line.end(block.subarray(start, end));
      this.#number++;
      if (text === undefined) this.#tooLong++;
      else this.#waiting.push({ number: this.#number, text });
      start = end + 1;
    }
    this.#line.add(block.subarray(start));
    this.#position += block.length;
    this.#before = Buffer.from(
      Buffer.concat([this.#before, block.subarray(-mostRemembered)]).subarray(-mostRemembered),
    );
  }

  /** Whether the file still holds what was read of it last, at the same place. */
  async #continues(file: OpenFile): Promise<boolean> {
    if (this.#size < this.#position) return false;
    const found = Buffer.alloc(this.#before.length);
    const { bytesRead } = await file.read(found, 0, found.length, this.#position - found.length);
    return bytesRead === found.length && found.equals(this.#before);
  }
}
