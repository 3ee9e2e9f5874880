/** One line of metrics.csv; empty cells are NaN. */
export interface MetricsRow {
  readonly round: number;
  readonly loss: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly clientMean: number;
  readonly clientWorstDecile: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly seconds: number;
}

/**
 * Reads the text of metrics.csv by the names of its header, in any order. Rows without a whole round number (a cut last
 * line) are skipped.
 */
export function parseMetrics(source: string): MetricsRow[] {
  const [header, ...lines] = source.split(/\r?\n/);
  const columns = (header ?? "").split(",").map((name) => name.trim());
  const rows: MetricsRow[] = [];
  for (const line of lines) {
    const cells = line.split(",");
    if (cells.length !== columns.length) continue;
    const cell = (name: string) => toNumber(cells[columns.indexOf(name)]);
    const round = cell("round");
    if (!Number.isInteger(round)) continue;
    rows.push({
      round,
      loss: cell("loss"),
      testLoss: cell("test_loss"),
      testAccuracy: cell("test_accuracy"),
      clientMean: cell("client_mean"),
      clientWorstDecile: cell("client_worst_decile"),
      bytesDown: cell("bytes_down"),
      bytesUp: cell("bytes_up"),
      seconds: cell("seconds"),
    });
  }
  return rows;
}

function toNumber(cell: string | undefined): number {
  return cell === undefined || cell.trim() === "" ? Number.NaN : Number(cell);
}
