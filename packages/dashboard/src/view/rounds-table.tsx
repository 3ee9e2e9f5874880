import { formatBytes, formatSeconds } from "../format.ts";
import { HeadCells } from "./head-cells.tsx";
import type { Round } from "./history.ts";
import { shown } from "./run-facts.ts";
import { Scrolling } from "./scrolling.tsx";

const mostRounds = 10;
const columns = ["Updates", "To clients", "From clients", "Training", "Aggregation", "Evaluation", "Whole round"];

/** Where the time and the bytes of the last rounds went. */
export function RoundsTable({ rounds }: { rounds: readonly Round[] }) {
  if (rounds.length === 0) return null;
  return (
    <section class="card">
      <h2>Last rounds</h2>
      <p class="detail">Training is the time from the first order of a round to its last update.</p>
      <Scrolling label="Last rounds">
        <table>
          <thead>
            <tr>
              <th scope="col">Round</th>
              <HeadCells names={columns} areNumbers />
            </tr>
          </thead>
          <tbody>
            {rounds
              .slice(-mostRounds)
              .toReversed()
              .map((round) => (
                <tr key={round.round}>
                  <th scope="row">{round.round}</th>
                  {cellsOf(round).map((text, at) => (
                    <td class="number" key={columns[at]}>
                      {text}
                    </td>
                  ))}
                </tr>
              ))}
          </tbody>
        </table>
      </Scrolling>
    </section>
  );
}

/** In the order of `columns`. */
function cellsOf(round: Round): string[] {
  const { trainSeconds, aggregateSeconds, evaluateSeconds, seconds } = round;
  const times = [trainSeconds, aggregateSeconds, evaluateSeconds, seconds];
  return [
    shown(round.clients, String),
    shown(round.bytesDown, formatBytes),
    shown(round.bytesUp, formatBytes),
    ...times.map((value) => shown(value, formatSeconds)),
  ];
}
