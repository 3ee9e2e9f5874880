/** Checks of one kind done so far in this process, with the worst relative error among them. */
interface Entry {
  count: number;
  worst: number;
  where: string;
}

export type CheckKind = "first derivative" | "second derivative" | "executor";

const entries = new Map<CheckKind, Entry>();

/** Counts one check. */
export function record(kind: CheckKind, name: string, error: number): void {
  const entry = entries.get(kind) ?? { count: 0, worst: 0, where: "" };
  entries.set(kind, entry);
  entry.count++;
  if (error > entry.worst) Object.assign(entry, { worst: error, where: name });
}

/** One line for each kind of check: how many, and the worst error. */
export function formatTally(): string {
  const line = ([kind, { count, worst, where }]: [string, Entry]) =>
    `${kind}: ${count} checks, worst ${worst.toExponential(1)} (${where})`;
  return [...entries].map(line).join("\n");
}
