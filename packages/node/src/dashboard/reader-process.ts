import { failureOf } from "@anabranch/core/live";
import { directReader } from "./direct-reader.ts";
import type { FromReader, ToReader } from "./read-tasks.ts";

/** The process that reads run folders for the dashboard. It ends with it. */
const post = (message: FromReader) => process.send?.(message);
const avoided = process.argv.slice(2);
const reader = directReader(new Set(avoided), (run) => post({ type: "reading", run }));

process.on("message", (message: ToReader) => void answer(message));
process.on("disconnect", () => process.exit());
process.on("SIGINT", () => {}); // the terminal's, which the dashboard acts on

async function answer({ id, task, input }: ToReader): Promise<void> {
  try {
    post({ type: "done", id, output: await reader.ask(task, input) });
  } catch (error) {
    post({ type: "failed", id, failure: failureOf(error) });
  }
}
