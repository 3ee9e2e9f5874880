/**
 * The process that reads foreign files. A thread in it reads, so that this one can end it all when the parent is gone;
 * and a process, since one large allocation too many ends a process and not only a thread.
 */
import { Worker } from "node:worker_threads";
import type { ArrayDataset, TrainTest } from "@anabranch/core";
import {
  type ArrayField,
  arraysOf,
  type EmptyArray,
  type LoadOrder,
  type ProcessMessage,
  type ThreadMessage,
} from "./load-messages.ts";

/** Bytes in one message. */
const PIECE_BYTES = 16 * 2 ** 20;

process.once("disconnect", () => process.exit(1));
process.once("message", (order) => start(order as LoadOrder));

function start({ request, heapMiB, script }: LoadOrder): void {
  const limits = { maxOldGenerationSizeMb: heapMiB };
  const worker = new Worker(new URL(script), { workerData: request, resourceLimits: limits });
  worker.on("message", (message: ThreadMessage) => {
    if (message.type === "loaded") void sendData(message.data);
    else void send(message);
  });
  worker.on("error", (error: Error & { code?: string }) => {
    void send(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? { type: "memory" } : { type: "failed", error });
  });
  worker.on("exit", (code) => {
    if (code !== 0)
      void send({ type: "failed", error: new Error(`the thread that reads ended with exit code ${code}`) });
  });
}

async function sendData(data: TrainTest | undefined): Promise<void> {
  if (data === undefined) {
    await send({ type: "frame", data, arrays: [] });
  } else {
    const found = [...arraysIn(data.train, "train"), ...arraysIn(data.test, "test")];
    const arrays = found.map(
      ({ array, ...rest }): EmptyArray => ({ ...rest, kind: kindOf(array), length: array.length }),
    );
    await send({ type: "frame", data: { ...data, train: emptied(data.train), test: emptied(data.test) }, arrays });
    for (const [number, { array }] of found.entries()) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
        await send({ type: "bytes", array: number, offset, bytes: bytes.subarray(offset, offset + PIECE_BYTES) });
      }
    }
  }
  await send({ type: "done" });
}

function arraysIn(dataset: ArrayDataset, part: EmptyArray["part"]) {
  return Object.entries(arraysOf(dataset)).map(([field, array]) => ({ part, field: field as ArrayField, array }));
}

function kindOf(array: ArrayBufferView): EmptyArray["kind"] {
  if (array instanceof Float32Array) return "Float32Array";
  return array instanceof Int32Array ? "Int32Array" : "Uint8Array";
}

function emptied<D extends ArrayDataset>(dataset: D): D {
  const { features, labels, groups } = dataset;
  return {
    ...dataset,
    features: { ...features, data: new Uint8Array(0) },
    labels: { ...labels, data: new Uint8Array(0) },
    ...(groups !== undefined && { groups: new Int32Array(0) }),
  };
}

/** Waits until the pipe has taken the message, so that data do not pile up. */
function send(message: ProcessMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}
