import { AnabranchError } from "@anabranch/core";

/**
 * Waits for the first clients of a run.
 *
 * @param run its id
 * @throws `run/interrupted` when the signal is aborted first
 */
export async function unlessAborted(started: Promise<void>, signal: AbortSignal, run: string): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => {
    const message = "the run was stopped while it waited for clients";
    const advice = `Nothing was trained. Continue with: anabranch serve --resume ${run}`;
    reject(new AnabranchError({ code: "run/interrupted", message, advice }));
  };
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([started, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
