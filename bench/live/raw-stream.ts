import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** Bytes that a raw stream gives to its socket at a time. */
const pieceBytes = 2 ** 20;
const script = fileURLToPath(new URL("./raw-sink.ts", import.meta.url));

/** The far end of raw streams, on a thread of its own. */
export class RawSink implements AsyncDisposable {
  readonly port: number;
  readonly #worker: Worker;

  private constructor(port: number, worker: Worker) {
    this.port = port;
    this.#worker = worker;
  }

  static async open(): Promise<RawSink> {
    const worker = new Worker(script);
    const [port] = await once(worker, "message");
    return new RawSink(Number(port), worker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Seconds that one TCP connection, opened before, takes for each transfer until the far end has said that all is there. */
export async function rawSeconds(port: number, bytes: number, times: number): Promise<number[]> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  const piece = Buffer.alloc(pieceBytes);
  const seconds: number[] = [];
  for (let i = 0; i < times; i++) {
    const begun = performance.now();
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(bytes));
    socket.write(head);
    const answered = once(socket, "data");
    for (let left = bytes; left > 0; left -= pieceBytes) {
      if (!socket.write(piece.subarray(0, Math.min(left, pieceBytes)))) await once(socket, "drain");
    }
    await answered;
    seconds.push((performance.now() - begun) / 1000);
  }
  socket.destroy();
  return seconds;
}
