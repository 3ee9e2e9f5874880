import type { ArrayDataset, TrainTest } from "@anabranch/core";
import type { EmptyArray, ProcessMessage } from "./load-messages.ts";

/** Puts a data set together that comes from another process in pieces. */
export class ReceivedData {
  #data: TrainTest | undefined;
  #arrays: readonly EmptyArray[] = [];
  #bytes: Uint8Array<ArrayBuffer>[] = [];

  take(message: Extract<ProcessMessage, { type: "frame" | "bytes" }>): void {
    if (message.type === "bytes") {
      this.#bytes[message.array]!.set(message.bytes, message.offset);
      return;
    }
    this.#data = message.data;
    this.#arrays = message.arrays;
    this.#bytes = message.arrays.map(({ kind, length }) => new Uint8Array(length * (kind === "Uint8Array" ? 1 : 4)));
  }

  /** The data set; undefined where there was none. */
  finish(): TrainTest | undefined {
    const data = this.#data;
    return data && { ...data, train: this.#filled("train", data.train), test: this.#filled("test", data.test) };
  }

  #filled<D extends ArrayDataset>(part: EmptyArray["part"], dataset: D): D {
    const found = (field: EmptyArray["field"]) => {
      const at = this.#arrays.findIndex((array) => array.part === part && array.field === field);
      return at < 0 ? undefined : viewOf(this.#arrays[at]!.kind, this.#bytes[at]!.buffer);
    };
    const { features, labels, groups } = dataset;
    const owners = found("groups");
    return {
      ...dataset,
      features: { ...features, data: found("features") ?? features.data },
      labels: { ...labels, data: found("labels") ?? labels.data },
      ...(groups !== undefined && owners instanceof Int32Array && { groups: owners }),
    };
  }
}

function viewOf(kind: EmptyArray["kind"], buffer: ArrayBuffer) {
  if (kind === "Float32Array") return new Float32Array(buffer);
  return kind === "Int32Array" ? new Int32Array(buffer) : new Uint8Array(buffer);
}
