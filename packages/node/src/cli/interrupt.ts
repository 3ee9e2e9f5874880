import { exitCodes } from "./exit-codes.ts";

/** A wish to stop, as Ctrl-C or SIGTERM brings it. */
export interface Interrupt extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
}

/**
 * Listens for Ctrl-C and SIGTERM until disposed. The first one aborts `signal` and calls `first`; the second one calls
 * `second` and ends the process with 130 at once.
 */
export function listenForInterrupt(react: { first(): void; second(): void }): Interrupt {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) {
      react.second();
      process.exit(exitCodes.interrupted);
    }
    controller.abort();
    react.first();
  };
  process.on("SIGINT", listener).on("SIGTERM", listener);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off("SIGINT", listener).off("SIGTERM", listener);
    },
  };
}
