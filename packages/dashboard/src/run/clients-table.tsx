import { HeadCells } from "../view/head-cells.tsx";
import { Scrolling } from "../view/scrolling.tsx";
import { ClientRow } from "./client-row.tsx";
import type { RunStatus } from "./run-api.ts";

interface Props {
  readonly clients: RunStatus["clients"];
  /** Clients of the round that is under way. */
  readonly cohort: readonly number[];
  /** Ejects or readmits; undefined: this page may not. */
  readonly steer: ((action: string) => void) | undefined;
}

const mostRows = 200;
const columns = ["Client", "State", "In this round"];
const numbers = ["Accepted", "Failed", "Sent to it", "Received", "Last seen"];

/** All clients that have joined. */
export function ClientsTable({ clients, cohort, steer }: Props) {
  const chosen = new Set(cohort);
  return (
    <section class="card">
      <h2>Clients</h2>
      {clients.length === 0 && <p>No client has joined yet.</p>}
      {clients.length > mostRows && <p>{`The first ${mostRows} of ${clients.length.toLocaleString("en")} clients.`}</p>}
      {clients.length > 0 && (
        <Scrolling label="Clients">
          <table class="stacked">
            <thead>
              <tr>
                <HeadCells names={columns} />
                <HeadCells names={numbers} areNumbers />
                {steer !== undefined && <th scope="col">Action</th>}
              </tr>
            </thead>
            <tbody>
              {clients.slice(0, mostRows).map((client) => (
                <ClientRow key={client.client} client={client} chosen={chosen.has(client.client)} steer={steer} />
              ))}
            </tbody>
          </table>
        </Scrolling>
      )}
    </section>
  );
}
