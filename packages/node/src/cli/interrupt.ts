import { startUpEnded } from "./start-up.ts";

/** A wish to stop, as Ctrl-C or SIGTERM brings it. */
export interface Interrupt extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
}

/**
 * Listens for Ctrl-C and SIGTERM until disposed. The first one aborts `signal` and calls `first`; the second one calls
 * `second` and ends the process at once, as Ctrl-C does where nobody listens: shells report 130.
 */
export function listenForInterrupt(react: { first(): void; second(): void }): Interrupt {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) {
      react.second();
      // process.exit waits until the workers' native calls return, which can take as long as the round.
      stopListening();
      process.kill(process.pid, "SIGINT");
      return;
    }
    controller.abort();
    react.first();
  };
  const stopListening = () => {
    process.off("SIGINT", listener).off("SIGTERM", listener);
  };
  process.on("SIGINT", listener).on("SIGTERM", listener);
  startUpEnded();
  return { signal: controller.signal, [Symbol.dispose]: stopListening };
}
