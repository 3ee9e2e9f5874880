import { setTimeout as pause } from "node:timers/promises";
import { LogTail } from "../store/log-tail.ts";
import { openRunFolder } from "../store/run-folder.ts";
import { TerminalView } from "../terminal/terminal-view.ts";
import type { Output } from "./output.ts";

/** Between two looks at the log, in milliseconds. */
const EVERY = 500;

const ENDS = new Set(["run.finished", "run.stopped"]);

/**
 * Prints the events of a run as they come, from its first one, until it ends or no process writes it any more. With --json
 * each event is a line. Ctrl-C ends the look and not the run.
 *
 * @throws as `openRunFolder`, and what reading the log throws
 */
export async function followRun(folder: string, output: Output): Promise<void> {
  const run = await openRunFolder(folder);
  const view = new TerminalView(process.stdout, output.json ? "json" : "human");
  let tail = new LogTail(run.paths.events, run.files);
  let hasEnded = false;
  try {
    for (;;) {
      // asked before the log is read: what was written until then is then seen
      const isWritten = await run.isLocked();
      for await (const { text } of tail.read()) {
        const event = eventIn(text);
        if (event === undefined) continue;
        hasEnded = ENDS.has(event.type);
        view.onEvent(event);
      }
      if (tail.isCut) {
        view.note("The run was resumed: its log begins anew.");
        tail = new LogTail(run.paths.events, run.files);
      } else if (hasEnded || !isWritten) return;
      else await pause(EVERY);
    }
  } finally {
    view.close();
  }
}

/** A line that is no event, such as one cut by a crash, is passed over. */
function eventIn(line: string): { readonly type: string } | undefined {
  try {
    const event: unknown = JSON.parse(line);
    const hasType = typeof event === "object" && event !== null && "type" in event && typeof event.type === "string";
    return hasType ? (event as { type: string }) : undefined;
  } catch {
    return undefined;
  }
}
