import { FailureCard } from "../failure-card.tsx";
import { HeadCells } from "../view/head-cells.tsx";
import { Scrolling } from "../view/scrolling.tsx";
import { pageOf } from "./page-address.ts";
import type { ListedRun } from "./run-api.ts";
import { RunPage } from "./run-page.tsx";
import { stateText } from "./run-title.tsx";
import type { Watch } from "./watch.ts";

/** The page of a server: the list of its runs, or the run where it has one or the address names one. */
export function ServerPage({ watch, root }: { watch: Watch; root: string }) {
  const { value: run } = watch.run;
  const { value: runs } = watch.runs;
  const { value: problem } = watch.problem;
  if (run !== undefined || runs.length === 0) return <RunPage watch={watch} root={root} />;
  return (
    <main>
      <h1>Runs of this server</h1>
      {problem !== undefined && <FailureCard failure={problem.failure} title="The page shows an earlier state" />}
      <section class="card">
        <Scrolling label="Runs of this server">
          <table class="stacked">
            <thead>
              <tr>
                <HeadCells names={["Name", "Run", "State"]} />
              </tr>
            </thead>
            <tbody>
              {runs.map((each) => (
                <Row key={each.run} run={each} root={root} />
              ))}
            </tbody>
          </table>
        </Scrolling>
      </section>
    </main>
  );
}

function Row({ run: { run, name, state }, root }: { run: ListedRun; root: string }) {
  return (
    <tr>
      <td data-label="Name" class="first">
        <a class="name" href={pageOf(root, run)}>
          {name === "" ? run : name}
        </a>
      </td>
      <td data-label="Run">{run}</td>
      <td data-label="State">{stateText(state)}</td>
    </tr>
  );
}
