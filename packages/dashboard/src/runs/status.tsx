import type { ListedRun } from "./listed-run.ts";

const good = new Set<string>(["finished", "stopped", "running", "reading"]);

/** How far a run came, as it has reported itself. */
export function Status({ status }: { status: ListedRun["status"] }) {
  return <span class={good.has(status) ? "state" : "state off"}>{status === "reading" ? "being read" : status}</span>;
}
