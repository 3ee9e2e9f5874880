import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { FailureCard } from "../failure-card.tsx";
import { ApiError } from "../view/api.ts";
import { Curves } from "../view/curves.tsx";
import { EventList } from "../view/event-list.tsx";
import { Facts } from "../view/facts.tsx";
import { FailuresTable } from "../view/failures-table.tsx";
import { followEvents } from "../view/follow.ts";
import { type History, noHistory } from "../view/history.ts";
import { RoundsTable } from "../view/rounds-table.tsx";
import { runFacts } from "../view/run-facts.ts";
import { CohortCard } from "./cohort-card.tsx";
import type { Dashboard } from "./dashboard.ts";
import { StartTime } from "./list-row.tsx";
import type { RunDetails } from "./listed-run.ts";
import { ReportLink } from "./report-link.tsx";
import { hashOf } from "./route.ts";
import { Status } from "./status.tsx";

/** One run: what it has done, and what it does. */
export function RunView({ dashboard, folder }: { dashboard: Dashboard; folder: string }) {
  const history = useSignal<History>(noHistory);
  const details = useSignal<RunDetails | undefined>(undefined);
  const problem = useSignal<ApiError | undefined>(undefined);
  useEffect(() => {
    const left = new AbortController();
    const onProblem = (error: unknown) => {
      problem.value = error instanceof ApiError ? error : undefined;
    };
    const show = (news: History) => {
      history.value = news;
    };
    dashboard.api.details(folder).then((found) => {
      details.value = found;
    }, onProblem);
    void followEvents((signal) => dashboard.api.events(folder, signal), show, left.signal, onProblem);
    return () => left.abort();
  }, [folder]);
  const run = dashboard.list.value?.runs.find((listed) => listed.folder === folder);
  const { value: shown } = history;
  return (
    <>
      <nav>
        <a href={hashOf({ view: "list" })}>All runs</a>
      </nav>
      <div class="title">
        <h1>{run?.name ?? folder}</h1>
        {run !== undefined && (
          <span role="status">
            <Status status={run.status} />
          </span>
        )}
      </div>
      {run !== undefined && (
        <p class="lead">
          Run {run.id}, started <StartTime iso={run.startedAt} />
          {details.value !== undefined && <ReportLink path={details.value.report} />}
        </p>
      )}
      {problem.value !== undefined && (
        <FailureCard failure={problem.value.failure} title="The events of this run cannot be shown" />
      )}
      {run?.reason && <p class="card">{run.reason}</p>}
      {run !== undefined && (
        <Facts
          label="The run in numbers"
          facts={[
            ["Rounds", run.roundsTotal === 0 ? "–" : `${run.roundsDone} of ${run.roundsTotal}`],
            ...runFacts(shown),
            ["Seed", shown.run.start === undefined ? "–" : String(run.seed)],
          ]}
        />
      )}
      <Curves rounds={shown.rounds} />
      <CohortCard cohort={shown.cohort} isRunning={run?.status === "running"} />
      <FailuresTable failures={shown.run.failures} />
      <RoundsTable rounds={shown.rounds} />
      <EventList log={shown.log} />
      {details.value !== undefined && details.value.config !== "" && (
        <section class="card">
          <details>
            <summary>Configuration</summary>
            <pre>{details.value.config}</pre>
          </details>
        </section>
      )}
    </>
  );
}
