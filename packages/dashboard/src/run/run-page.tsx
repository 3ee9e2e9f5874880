import type { Failure } from "@anabranch/engine";
import { useSignal } from "@preact/signals";
import { FailureCard } from "../failure-card.tsx";
import { Chart } from "./chart.tsx";
import { ClientsTable } from "./clients-table.tsx";
import { EventList } from "./event-list.tsx";
import { Facts } from "./facts.tsx";
import type { History } from "./history.ts";
import { OperatorCard } from "./operator-card.tsx";
import { RoundsTable } from "./rounds-table.tsx";
import { ApiError } from "./run-api.ts";
import { RunTitle } from "./run-title.tsx";
import type { Watch } from "./watch.ts";

/** The page of a server: one run, live. */
export function RunPage({ watch }: { watch: Watch }) {
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
  // a server ends with its run
  const shown = history.ended && problem?.status === 0 ? undefined : problem;
  return (
    <main>
      <RunTitle watch={watch} />
      {shown !== undefined && (
        <FailureCard
          failure={shown.failure}
          title={shown.status === 401 ? "This page needs the operator's token" : "The page shows an earlier state"}
        />
      )}
      {status !== undefined && <Facts status={status} history={history} />}
      {status !== undefined && <Curves history={history} />}
      {status !== undefined && (
        <ClientsTable clients={status.clients} cohort={history.cohort} steer={hasToken ? steer : undefined} />
      )}
      <OperatorCard
        state={history.ended ? "finished" : status?.state}
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

function Curves({ history: { rounds } }: { history: History }) {
  const numbers = rounds.map(({ round }) => round);
  const accuracies = rounds.map(({ accuracy }) => accuracy);
  return (
    <div class="charts">
      <Chart
        title="Loss"
        rounds={numbers}
        lines={[
          { name: "Test loss", values: rounds.map(({ testLoss }) => testLoss), colour: "--accent" },
          { name: "Training loss", values: rounds.map(({ trainLoss }) => trainLoss), colour: "--second" },
        ]}
      />
      <Chart
        title="Test accuracy"
        rounds={numbers}
        lines={[{ name: "Accuracy", values: accuracies, colour: "--accent" }]}
      />
    </div>
  );
}
