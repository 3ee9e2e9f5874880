import { AnabranchError, type Executable, type Executor, type Failure, type HostTensors } from "@anabranch/engine";
import type { FromExecutor, ToExecutor } from "./executor-messages.ts";

/**
 * Runs programs for another thread or worker, one after the other.
 *
 * @example
 * ```ts
 * import { ExecutorService, type FromExecutor } from "@anabranch/core/live";
 * import { interpreter } from "@anabranch/engine";
 * const answer = Promise.withResolvers<FromExecutor>();
 * const service = new ExecutorService(Promise.resolve(interpreter()), answer.resolve);
 * service.receive({ type: "release", id: 1, executable: 7 }); // in a worker: what its port receives
 * await answer.promise; // => { type: "done", id: 1, outputs: {  } }
 * ```
 */
export class ExecutorService {
  readonly #opened: Promise<Pick<Executor, "load">>;
  readonly #post: (message: FromExecutor, transfer: ArrayBuffer[]) => void;
  readonly #executables = new Map<number, Executable>();
  #turn: Promise<void> = Promise.resolve();

  constructor(opened: Promise<Pick<Executor, "load">>, post: (message: FromExecutor, transfer: ArrayBuffer[]) => void) {
    this.#opened = opened;
    opened.catch(() => {}); // whoever loads a program hears of it
    this.#post = post;
  }

  /** Answers once the messages before it are answered. */
  receive(message: ToExecutor): void {
    this.#turn = this.#turn.then(() => this.#answer(message));
  }

  async #answer(message: ToExecutor): Promise<void> {
    const { id } = message;
    try {
      const outputs = await this.#execute(message);
      this.#post({ type: "done", id, outputs }, buffersOf(outputs));
    } catch (error) {
      this.#post({ type: "failed", id, failure: failureOf(error) }, []);
    }
  }

  async #execute(message: ToExecutor): Promise<HostTensors> {
    switch (message.type) {
      case "load":
        this.#executables.set(message.id, await (await this.#opened).load(message.program));
        return {};
      case "run":
        return this.#executables.get(message.executable)!.run(message.inputs);
      case "release":
        await this.#executables.get(message.executable)?.release();
        this.#executables.delete(message.executable);
        return {};
    }
  }
}

/** Memory of outputs, which are fresh, that can be handed over; each once. */
function buffersOf(outputs: HostTensors): ArrayBuffer[] {
  const buffers = Object.values(outputs).map(({ data }) => data.buffer);
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}

/**
 * A failure as data: an error's class does not survive the way to another thread.
 *
 * @example
 * ```ts
 * import { AnabranchError } from "@anabranch/core";
 * import { failureOf } from "@anabranch/core/live";
 * failureOf(new AnabranchError({ code: "client/absent", message: "it is off" })).code; // => "client/absent"
 * failureOf(new Error("out of memory")).code; // => "client/failed"
 * ```
 */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof AnabranchError)) {
    return { code: "client/failed", message: error instanceof Error ? error.message : String(error) };
  }
  const { cause: _cause, ...failure } = error.failure;
  return failure;
}
