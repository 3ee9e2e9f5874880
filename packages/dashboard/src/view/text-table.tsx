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
  const classOf = (column: number) => (column >= firstNumber ? "number" : undefined);
  return (
    <section class="card">
      <h2>{title}</h2>
      <Scrolling label={title}>
        <table>
          <thead>
            <tr>
              {heads.map((head, column) => (
                <th scope="col" class={classOf(column)} key={head}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, ...cells]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {cells.map((text, at) => (
                  <td class={classOf(at + 1)} key={heads[at + 1]}>
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
