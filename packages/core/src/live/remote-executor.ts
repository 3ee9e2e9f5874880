import { AnabranchError, type Executable, type HostTensors, type Program } from "@anabranch/engine";
import type { FromExecutor, ToExecutor } from "./executor-messages.ts";

type Ready = Extract<FromExecutor, { type: "ready" }>;

/** A message without its number. */
type Unnumbered = ToExecutor extends infer M ? (M extends ToExecutor ? Omit<M, "id"> : never) : never;

/**
 * The near end of an `ExecutorService`: this thread still answers the server while a program runs.
 *
 * @example
 * ```ts
 * import { ExecutorService, RemoteExecutor } from "@anabranch/core/live";
 * import { compileProgram, interpreter, mul, trace } from "@anabranch/engine";
 * // both ends in one thread; in a program the messages go through ports
 * const remote: RemoteExecutor = new RemoteExecutor((message) => service.receive(message));
 * const service = new ExecutorService(Promise.resolve(interpreter()), (message) => remote.receive(message));
 * const doubled = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: [2] } });
 * const program = await remote.load(compileProgram("double", doubled));
 * const { y } = await program.run({ x: { dtype: "float", shape: [2], data: Float64Array.of(1, 2) } });
 * y?.data; // => [2, 4]
 * ```
 */
export class RemoteExecutor {
  readonly #post: (message: ToExecutor) => void;
  readonly #ready = Promise.withResolvers<Ready>();
  readonly #pending = new Map<number, PromiseWithResolvers<HostTensors>>();
  #sent = 0;
  #lost: AnabranchError | undefined;

  constructor(post: (message: ToExecutor) => void) {
    this.#post = post;
  }

  /** What the executor is; rejects where it cannot be opened or is lost before. */
  get ready(): Promise<Ready> {
    return this.#ready.promise;
  }

  /** Whether it owes an answer. */
  get isBusy(): boolean {
    return this.#pending.size > 0;
  }

  receive(message: FromExecutor): void {
    if (message.type === "ready") this.#ready.resolve(message);
    else if (message.type === "broken") this.#ready.reject(new AnabranchError(message.failure));
    else this.#settle(message);
  }

  /** The far end is gone: what waits and what comes later fails with the first reason. */
  lose(reason: AnabranchError): void {
    this.#lost ??= reason;
    this.#ready.reject(this.#lost);
    for (const answer of this.#pending.values()) answer.reject(this.#lost);
    this.#pending.clear();
  }

  async load(program: Program): Promise<Executable> {
    const { id, done } = this.#send({ type: "load", program });
    await done;
    return {
      run: (inputs) => this.#send({ type: "run", executable: id, inputs }).done,
      release: async () => {
        if (this.#lost === undefined) await this.#send({ type: "release", executable: id }).done;
      },
    };
  }

  #settle(message: Extract<FromExecutor, { id: number }>): void {
    const answer = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.type === "done") answer?.resolve(message.outputs);
    else answer?.reject(new AnabranchError(message.failure));
  }

  #send(message: Unnumbered): { readonly id: number; readonly done: Promise<HostTensors> } {
    const id = ++this.#sent;
    if (this.#lost !== undefined) return { id, done: Promise.reject(this.#lost) };
    const answer = Promise.withResolvers<HostTensors>();
    this.#pending.set(id, answer);
    this.#post({ ...message, id } satisfies ToExecutor);
    return { id, done: answer.promise };
  }
}
