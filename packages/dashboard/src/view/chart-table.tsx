import { HeadCells } from "./head-cells.tsx";
import type { Line } from "./line.ts";
import { Scrolling } from "./scrolling.tsx";

/** Rows that a table has at most: a longer chart shows every n-th round and the last. */
const mostRows = 50;

/** The values of a chart, for people who cannot see it. */
export function ChartTable({
  title,
  rounds,
  lines,
}: {
  title: string;
  rounds: readonly number[];
  lines: readonly Line[];
}) {
  const step = Math.ceil(rounds.length / mostRows);
  const places = rounds.map((_, at) => at).filter((at) => (rounds.length - 1 - at) % step === 0);
  return (
    <details>
      <summary>{`${title} as a table`}</summary>
      {step > 1 && <p class="detail">{`Every ${step} rounds and the last one.`}</p>}
      <Scrolling label={`${title} as a table`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Round</th>
              <HeadCells names={lines.map(({ name }) => name)} areNumbers />
            </tr>
          </thead>
          <tbody>
            {places.map((at) => (
              <tr key={rounds[at]}>
                <th scope="row">{rounds[at]}</th>
                {lines.map(({ name, values }) => (
                  <td class="number" key={name}>
                    {Number.isFinite(values[at]) ? values[at]!.toFixed(4) : "–"}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
    </details>
  );
}
