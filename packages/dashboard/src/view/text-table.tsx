import { HeadCells } from "./head-cells.tsx";
import { Scrolling } from "./scrolling.tsx";

interface Props {
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Sentences below it. */
  readonly notes?: readonly string[];
  /** The first column of numbers; none by default. */
  readonly firstNumber?: number;
}

/** A table of texts. The first column names its rows. */
export function TextTable({ title, heads, rows, notes = [], firstNumber = Number.POSITIVE_INFINITY }: Props) {
  return (
    <section class="card">
      <h2>{title}</h2>
      <Scrolling label={title}>
        <table>
          <thead>
            <tr>
              <HeadCells names={heads.slice(0, firstNumber)} />
              <HeadCells names={heads.slice(firstNumber)} areNumbers />
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, ...cells]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {cells.map((text, at) => (
                  <td class={at + 1 >= firstNumber ? "number" : undefined} key={heads[at + 1]}>
                    {text}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
      {notes.map((note) => (
        <p class="detail" key={note}>
          {note}
        </p>
      ))}
    </section>
  );
}
