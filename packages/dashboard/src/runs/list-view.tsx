import { useSignal } from "@preact/signals";
import { formatPlural } from "../format.ts";
import { HeadCells } from "../view/head-cells.tsx";
import { Scrolling } from "../view/scrolling.tsx";
import type { Dashboard } from "./dashboard.ts";
import { qualityHead } from "./list-quality.ts";
import { ListRow } from "./list-row.tsx";
import { hashOf } from "./route.ts";

const rowsAtOnce = 200;
const columns = ["Compare", "Name", "Status", "Method", "Data"];
const rest = ["Privacy", "Started"];
export const mostCompared = 6;

/** All runs of the folder, newest first. */
export function ListView({ dashboard }: { dashboard: Dashboard }) {
  const rows = useSignal(rowsAtOnce);
  const { value: list } = dashboard.list;
  const { value: chosen } = dashboard.chosen;
  if (list === undefined) {
    return (
      <>
        <h1>Runs</h1>
        <p role="status">Reading the runs.</p>
      </>
    );
  }
  const { runs, root, pending } = list;
  const compared = runs.map(({ folder }) => folder).filter((folder) => chosen.has(folder));
  return (
    <>
      <div class="bar">
        <h1>Runs</h1>
        <a class="button" href={hashOf({ view: "new" })}>
          New run
        </a>
      </div>
      <p class="lead">
        {formatPlural(runs.length, "run")} in {root}
        {pending > 0 && `, ${pending} still being read`}
      </p>
      {runs.length === 0 ? (
        <section class="card">
          <p>There are no runs in this folder yet. Start one with "New run", or with: anabranch run FILE</p>
        </section>
      ) : (
        <section class="card">
          <div class="bar">
            <h2>All runs</h2>
            <CompareLink folders={compared} />
          </div>
          <Scrolling label="All runs">
            <table class="stacked">
              <thead>
                <tr>
                  <HeadCells names={columns} />
                  <HeadCells names={["Rounds", qualityHead(runs)]} areNumbers />
                  <HeadCells names={rest} />
                </tr>
              </thead>
              <tbody>
                {runs.slice(0, rows.value).map((run) => (
                  <ListRow
                    key={run.folder}
                    run={run}
                    isChosen={chosen.has(run.folder)}
                    mayChoose={compared.length < mostCompared}
                    choose={(isChosen) => dashboard.choose(run.folder, isChosen)}
                  />
                ))}
              </tbody>
            </table>
          </Scrolling>
          {runs.length > rows.value && (
            <button
              type="button"
              onClick={() => {
                rows.value += rowsAtOnce;
              }}
            >
              {`Show more of ${formatPlural(runs.length, "run")}`}
            </button>
          )}
        </section>
      )}
    </>
  );
}

/** Leads to the chosen runs side by side. */
function CompareLink({ folders }: { folders: readonly string[] }) {
  if (folders.length < 2) return <p class="detail">Choose 2 to {mostCompared} runs to compare them.</p>;
  return (
    <a class="button" href={hashOf({ view: "compare", folders })}>
      Compare {folders.length} runs
    </a>
  );
}
