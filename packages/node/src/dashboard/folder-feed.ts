import { setTimeout as sleep } from "node:timers/promises";
import type { Feed } from "../server/event-feed.ts";
import { LogTail } from "../store/log-tail.ts";
import type { RunFolder } from "../store/run-folder.ts";

/** How often a log is looked at that another process writes. */
const pollMs = 500;

/** The events of a run that some process writes, or none any more. Ends where the log was cut. */
export function folderFeed({ paths, files }: RunFolder, everyMs = pollMs): Feed {
  return {
    async *follow(after, quietSeconds, signal) {
      const tail = new LogTail(paths.events, files);
      let spoken = performance.now();
      while (!signal.aborted) {
        for await (const line of tail.read()) {
          if (signal.aborted) return;
          if (line.number <= after) continue;
          yield line;
          spoken = performance.now();
        }
        if (tail.isCut) return;
        if (performance.now() - spoken > quietSeconds * 1000) {
          yield undefined;
          spoken = performance.now();
        }
        await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}
