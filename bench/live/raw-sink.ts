import { type AddressInfo, createServer } from "node:net";
import { parentPort } from "node:worker_threads";

/** The far end of raw streams, in a worker: eight bytes say how many follow; when all are there it answers with one. */
const server = createServer({ noDelay: true }, (socket) => {
  let left: number | undefined;
  socket.on("data", (chunk: Buffer) => {
    left ??= Number(chunk.readBigUInt64LE(0)) + 8;
    left -= chunk.length;
    if (left > 0) return;
    left = undefined;
    socket.write("k");
  });
  socket.on("error", () => {});
});
server.listen(0, "127.0.0.1", () => parentPort!.postMessage((server.address() as AddressInfo).port));
