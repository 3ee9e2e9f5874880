/** The heads of some columns of a table. */
export function HeadCells({ names, areNumbers = false }: { names: readonly string[]; areNumbers?: boolean }) {
  return names.map((name) => (
    <th scope="col" class={areNumbers ? "number" : undefined} key={name}>
      {name}
    </th>
  ));
}
