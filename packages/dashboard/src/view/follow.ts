import type { LenientEvent } from "@anabranch/core";
import { type History, HistoryFold } from "./history.ts";
import { untilVisible, whileVisible } from "./visible.ts";

const retryMs = 2_000;

/** A page is drawn so often at most: a long log comes in many pieces. */
const drawMs = 150;

/**
 * Follows the events of a run until aborted, but not while nobody looks. Every connection begins with the past: a run
 * that was resumed has another one.
 *
 * @param onProblem told of what keeps the page from the events, and of undefined when they come
 */
export async function followEvents(
  open: (signal: AbortSignal) => AsyncIterable<readonly LenientEvent[]>,
  show: (history: History) => void,
  ended: AbortSignal,
  onProblem: (error: unknown) => void = () => {},
): Promise<void> {
  while (!ended.aborted) {
    const visible = whileVisible(document);
    const fold = new HistoryFold();
    let isWaiting = false;
    const draw = () => {
      isWaiting = false;
      if (!ended.aborted) show(fold.history);
    };
    try {
      for await (const events of open(AbortSignal.any([ended, visible.signal]))) {
        for (const event of events) fold.add(event);
        if (!isWaiting) setTimeout(draw, drawMs);
        isWaiting = true;
        onProblem(undefined);
      }
    } catch (error) {
      if (!ended.aborted && !visible.signal.aborted) onProblem(error);
    } finally {
      visible.release();
    }
    await untilVisible(document);
    await pause(retryMs);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
