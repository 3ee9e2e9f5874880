import type { RunHistory } from "@anabranch/core";
import { formatPlural } from "../format.ts";
import { HeadCells } from "./head-cells.tsx";
import { Scrolling } from "./scrolling.tsx";

const mostRows = 20;
const columns = ["Round", "Client", "What happened", "Code"];

/** The clients that failed last. Nothing where none has. */
export function FailuresTable({ failures }: Pick<RunHistory, "failures">) {
  if (failures.length === 0) return null;
  return (
    <section class="card">
      <h2>Failed clients</h2>
      <p class="detail">
        {failures.length > mostRows
          ? `The last ${mostRows} of ${formatPlural(failures.length, "failure")}. events.jsonl has all.`
          : "A client that failed is left out of its round."}
      </p>
      <Scrolling label="Failed clients">
        <table class="stacked">
          <thead>
            <tr>
              <HeadCells names={columns} />
            </tr>
          </thead>
          <tbody>
            {failures
              .slice(-mostRows)
              .toReversed()
              .map(({ round, client, message, code }, at) => (
                <tr key={at}>
                  <td data-label="Round">{round}</td>
                  <td data-label="Client">{client}</td>
                  <td data-label="What happened">{message}</td>
                  <td data-label="Code">{code}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </Scrolling>
    </section>
  );
}
