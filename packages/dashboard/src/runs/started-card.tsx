import type { Failure } from "@anabranch/engine";
import { useSignal } from "@preact/signals";
import { FailureCard } from "../failure-card.tsx";
import { ApiError } from "../view/api.ts";
import type { Dashboard } from "./dashboard.ts";
import { hashOf } from "./route.ts";
import type { Started } from "./started.ts";

const texts: Readonly<Record<Started["state"], string>> = {
  none: "",
  starting: "is starting",
  running: "is running",
  stopping: "finishes its round and saves",
  ended: "has ended",
};

/** The run that was started from the page last. */
export function StartedCard({ dashboard, started }: { dashboard: Dashboard; started: Started }) {
  const problem = useSignal<Failure | undefined>(undefined);
  const { state, name, folder, failure } = started;
  const stop = () => {
    problem.value = undefined;
    dashboard.stop().catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      problem.value = error.failure;
    });
  };
  if (failure !== null) return <FailureCard failure={failure} title={`${name} could not run`} />;
  const shown = folder === null ? name : <a href={hashOf({ view: "run", folder })}>{name}</a>;
  return (
    <section class="card" aria-label="Started here">
      <div class="bar">
        <p role="status">
          {shown} {texts[state]}.
        </p>
        {state !== "ended" && (
          <button type="button" class="danger" onClick={stop}>
            {state === "stopping" ? "End it at once" : "Stop"}
          </button>
        )}
      </div>
      {problem.value !== undefined && <FailureCard failure={problem.value} title="The run was not stopped" />}
    </section>
  );
}
