import type { Watch } from "./watch.ts";

/** Of a run whose log has no end: only that says whether it has succeeded. */
const states = { waiting: "waiting for clients", running: "running", paused: "paused", finished: "ending" };

/** Which run it is and what it does, and a choice where there are several. */
export function RunTitle({ watch }: { watch: Watch }) {
  const { value: status } = watch.status;
  const { value: runs } = watch.runs;
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
      {runs.length > 1 && (
        <label class="field">
          Run
          <select value={watch.run.value} onChange={(event) => watch.follow(event.currentTarget.value)}>
            {runs.map(({ run, name }) => (
              <option key={run} value={run}>
                {name} ({run})
              </option>
            ))}
          </select>
        </label>
      )}
    </>
  );
}
