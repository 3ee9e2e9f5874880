import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { FailureCard } from "../failure-card.tsx";
import { ApiError } from "../view/api.ts";
import { Chart } from "../view/chart.tsx";
import { pause } from "../view/follow.ts";
import { TextTable } from "../view/text-table.tsx";
import type { ComparedRuns } from "./compared-runs.ts";
import type { Dashboard } from "./dashboard.ts";
import { joinCurves } from "./joined-curves.ts";
import { ReportLink } from "./report-link.tsx";
import { hashOf } from "./route.ts";
import { Status } from "./status.tsx";

const shortestMs = 5_000;

/** Several runs side by side; those that are running are followed. */
export function CompareView({ dashboard, folders }: { dashboard: Dashboard; folders: readonly string[] }) {
  const compared = useSignal<ComparedRuns | undefined>(undefined);
  const problem = useSignal<ApiError | undefined>(undefined);
  useEffect(() => {
    let hasLeft = false;
    const follow = async () => {
      while (!hasLeft) {
        const asked = performance.now();
        const known = stateOf(dashboard, folders);
        try {
          const found = await dashboard.api.compare(folders);
          compared.value = found;
          problem.value = undefined;
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          problem.value = error;
        }
        // long logs take longer, and are looked at less often
        await pause(Math.max(shortestMs, 5 * (performance.now() - asked)));
        while (!hasLeft && problem.value === undefined && stateOf(dashboard, folders) === known)
          await pause(shortestMs);
      }
    };
    void follow();
    return () => {
      hasLeft = true;
    };
  }, [folders.join("/")]);
  const { value: found } = compared;
  return (
    <>
      <nav>
        <a href={hashOf({ view: "list" })}>All runs</a>
      </nav>
      <h1>{folders.length} runs side by side</h1>
      {problem.value !== undefined && (
        <FailureCard failure={problem.value.failure} title="These runs cannot be compared" />
      )}
      {found === undefined && problem.value === undefined && <p role="status">Reading the runs.</p>}
      {found !== undefined && <Comparison dashboard={dashboard} found={found} />}
    </>
  );
}

function Comparison({ dashboard, found }: { dashboard: Dashboard; found: ComparedRuns }) {
  const { runs, table, differences, report } = found;
  const labels = runs.map(({ label }) => label);
  return (
    <>
      <p class="lead">
        Runs that differ only in the seed share a row of the results.
        <ReportLink path={report} />
      </p>
      <ul class="runs">
        {runs.map(({ folder, label }, at) => (
          <li key={folder}>
            <span class={`swatch line-${at + 1}`} aria-hidden="true" />{" "}
            <a href={hashOf({ view: "run", folder })}>{label}</a> <RunStatus dashboard={dashboard} folder={folder} />
          </li>
        ))}
      </ul>
      <div class="charts">
        <Chart title="Test accuracy" {...joinCurves(runs, "accuracy")} />
        <Chart title="Test loss" {...joinCurves(runs, "testLoss")} />
        <Chart title="Training loss" {...joinCurves(runs, "trainLoss")} />
      </div>
      <TextTable title="Results" heads={table.heads} rows={table.rows} notes={table.notes} firstNumber={2} />
      {differences.length > 0 && (
        <TextTable
          title="What differs in the configuration"
          heads={["key", ...labels]}
          rows={differences.map(({ key, values }) => [key, ...values])}
        />
      )}
    </>
  );
}

function RunStatus({ dashboard, folder }: { dashboard: Dashboard; folder: string }) {
  const run = dashboard.list.value?.runs.find((listed) => listed.folder === folder);
  return run === undefined ? null : <Status status={run.status} />;
}

/** Changes when there is something new to compare. */
function stateOf({ list }: Dashboard, folders: readonly string[]): string {
  const runs = list.value?.runs.filter(({ folder }) => folders.includes(folder)) ?? [];
  return runs.map(({ folder, status, roundsDone }) => `${folder} ${status} ${roundsDone}`).join();
}
