import type { RunStatus } from "./run-api.ts";
import type { Watch } from "./watch.ts";

/** Of a run whose log has no end: only that says whether it has succeeded. */
const states: Readonly<Record<RunStatus["state"], string>> = {
  waiting: "waiting for clients",
  running: "running",
  paused: "paused",
  stopping: "stopping",
  finished: "ending",
  failed: "failed",
};

/** The state of a run that a list has, which knows nothing of its log. */
export function stateText(state: RunStatus["state"]): string {
  return state === "finished" ? "ended" : states[state];
}

/** Which run it is and what it does. */
export function RunTitle({ watch, root }: { watch: Watch; root: string }) {
  const { value: status } = watch.status;
  const { status: end } = watch.history.value;
  const state = status === undefined ? "loading" : end === "running" ? states[status.state] : end;
  return (
    <>
      <div class="title">
        <h1>{status?.name ?? "Anabranch"}</h1>
        <span class="state" role="status">
          {state}
        </span>
      </div>
      <p class="lead">{status === undefined ? "A federated learning server" : `Run ${status.run}`}</p>
      {watch.runs.value.length > 1 && (
        <p>
          <a href={root}>All runs of this server</a>
        </p>
      )}
    </>
  );
}
