import type { Failure } from "@anabranch/engine";
import { useSignal } from "@preact/signals";
import { FailureCard } from "../failure-card.tsx";
import { ApiError } from "../view/api.ts";
import { Curves } from "../view/curves.tsx";
import { EventList } from "../view/event-list.tsx";
import { FailuresTable } from "../view/failures-table.tsx";
import { RoundsTable } from "../view/rounds-table.tsx";
import { ClientsTable } from "./clients-table.tsx";
import { LiveFacts } from "./live-facts.tsx";
import { OperatorCard } from "./operator-card.tsx";
import { RunTitle } from "./run-title.tsx";
import type { Watch } from "./watch.ts";

/** One run, live. */
export function RunPage({ watch, root }: { watch: Watch; root: string }) {
  const failure = useSignal<Failure | undefined>(undefined);
  const { value: status } = watch.status;
  const { value: history } = watch.history;
  const { value: problem } = watch.problem;
  const hasToken = watch.token.value !== "" && problem?.status !== 401;
  const steer = (action: string) => {
    failure.value = undefined;
    watch.steer(action).catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      failure.value = error.failure;
      if (error.status === 401) watch.setToken("");
    });
  };
  // a server ends with its runs
  const hasEnded = history.status !== "running";
  const shown = hasEnded && problem?.status === 0 ? undefined : problem;
  return (
    <main>
      <RunTitle watch={watch} root={root} />
      {shown !== undefined && (
        <FailureCard
          failure={shown.failure}
          title={shown.status === 401 ? "This page needs the operator's token" : "The page shows an earlier state"}
        />
      )}
      {status !== undefined && <LiveFacts status={status} history={history} />}
      {status !== undefined && <Curves rounds={history.rounds} />}
      {status !== undefined && (
        <ClientsTable clients={status.clients} cohort={history.cohort} steer={hasToken ? steer : undefined} />
      )}
      <FailuresTable failures={history.run.failures} />
      <OperatorCard
        state={hasEnded ? "finished" : status?.state}
        hasToken={hasToken}
        failure={failure.value}
        setToken={(token) => watch.setToken(token)}
        steer={steer}
      />
      {status !== undefined && <RoundsTable rounds={history.rounds} />}
      {status !== undefined && <EventList log={history.log} />}
    </main>
  );
}
