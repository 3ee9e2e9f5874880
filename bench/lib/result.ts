/** One printed line of a benchmark: a label and its metrics in column order. */
export interface BenchRow {
  readonly label: string;
  readonly values: Readonly<Record<string, number | string>>;
}

/** A figure held against its target. */
export interface BenchCheck {
  readonly name: string;
  readonly value: number;
  readonly target: number;
  /** Whether larger or smaller is better. */
  readonly better: "larger" | "smaller";
}

/** What a benchmark measured, as plain data (`--json` prints it as it is). */
export interface BenchResult {
  readonly name: string;
  readonly rows: readonly BenchRow[];
  readonly checks: readonly BenchCheck[];
  /** Conditions a reader needs to judge the metrics. */
  readonly notes: readonly string[];
}

/** Command-line options by name: `--rounds 5` is { rounds: "5" }, `--quick` is { quick: "" }. */
export type BenchOptions = Readonly<Record<string, string>>;

export interface BenchModule {
  run(options: BenchOptions): Promise<BenchResult>;
}

/** A whole-number option. */
export function count(options: BenchOptions, name: string, fallback: number): number {
  const value = options[name] === undefined ? fallback : Number(options[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} takes a positive whole number, received "${options[name]}"`);
}

export function passes(check: BenchCheck): boolean {
  return check.better === "larger" ? check.value >= check.target : check.value <= check.target;
}

/** The result as aligned text. */
export function formatResult(result: BenchResult): string {
  const columns = [...new Set(result.rows.flatMap((row) => Object.keys(row.values)))];
  const show = (value: number | string | undefined) =>
    typeof value === "number" ? (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)) : (value ?? "");
  const table = [
    ["", ...columns],
    ...result.rows.map((row) => [row.label, ...columns.map((c) => show(row.values[c]))]),
  ];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((line) => line[i]!.length)));
  const lines = table.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "),
  );
  const checks = result.checks.map((c) => {
    const sign = c.better === "larger" ? ">=" : "<=";
    return `${passes(c) ? "pass" : "MISS"}  ${c.name}: ${show(c.value)} (target ${sign} ${show(c.target)})`;
  });
  return [result.name, "", ...lines, "", ...checks, ...result.notes.map((n) => `note: ${n}`)].join("\n");
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Milliseconds of one turn without other work on the machine, by two bounds of which the smaller counts: the quickest of the
 * turns, and their mean processor time. There are `rounds` of them or more, for 0.2 s at least.
 */
export function undisturbed(rounds: number, work: () => void): number {
  work(); // compiles the code
  const start = process.threadCpuUsage();
  let quickest = Number.POSITIVE_INFINITY;
  for (let turns = 1; ; turns++) {
    const begin = performance.now();
    work();
    quickest = Math.min(quickest, performance.now() - begin);
    const { user, system } = process.threadCpuUsage(start);
    const spent = (user + system) / 1000;
    if (turns >= rounds && spent >= 200) return Math.min(quickest, spent / turns);
  }
}
