import { parentPort, workerData } from "node:worker_threads";
import { type FoldRule, fold, type Vector } from "@anabranch/core";

/** The coordinates [begin, end) that one thread looks after. */
export interface Shard {
  readonly rule: FoldRule;
  readonly begin: number;
  readonly end: number;
}

/** Vectors lie in shared memory and are whole; a thread reads and writes its own coordinates only. */
export type ShardRequest =
  | { readonly type: "add"; readonly vectors: readonly Vector[]; readonly weights: readonly number[] }
  | { readonly type: "result"; readonly out: Vector }
  | { readonly type: "reset" };

/** Why a request failed; undefined where it did not. */
export type ShardAnswer = { readonly code: string; readonly message: string } | undefined;

const { rule, begin, end } = workerData as Shard;
const running = fold(rule, end - begin);
const port = parentPort!;

port.on("message", (request: ShardRequest) => {
  let answer: ShardAnswer;
  try {
    if (request.type === "add") {
      running.addAll(
        request.vectors.map((vector) => vector.subarray(begin, end)),
        request.weights,
      );
    } else if (request.type === "result") running.result(request.out.subarray(begin, end));
    else running.reset();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "aggregation/failed";
    answer = { code, message: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage(answer);
});
