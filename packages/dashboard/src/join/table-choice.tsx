import { useSignal } from "@preact/signals";
import type { DataSource } from "../client/messages.ts";
import { csvColumns } from "./files.ts";

/** A CSV file and the column that holds the class. */
export function TableChoice({ choose }: { choose(source: DataSource | undefined): void }) {
  const table = useSignal<{ readonly file: File; readonly columns: readonly string[] } | undefined>(undefined);
  const label = useSignal("");
  const take = (file: File, column: string) => {
    label.value = column;
    choose({ kind: "csv", file, label: column });
  };
  const open = async (file: File | undefined) => {
    choose(undefined);
    const columns = file === undefined ? [] : await csvColumns(file);
    table.value = file === undefined ? undefined : { file, columns };
    if (file !== undefined) take(file, columns.at(-1) ?? "");
  };
  return (
    <div class="indented">
      <label class="field">
        CSV file
        <br />
        <input type="file" accept=".csv,text/csv" onChange={(event) => open(event.currentTarget.files?.[0])} />
      </label>
      {table.value !== undefined && (
        <label>
          Column with the class
          <select value={label.value} onChange={(event) => take(table.value!.file, event.currentTarget.value)}>
            {table.value.columns.map((column) => (
              <option key={column}>{column}</option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}
