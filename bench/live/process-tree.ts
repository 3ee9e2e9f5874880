import { readdirSync, readFileSync } from "node:fs";

/** Milliseconds between two looks at the memory of processes. */
const pauseMs = 300;

/** Watches the memory of processes with all their descendants, which may come and go. */
export class TreeMemory implements Disposable {
  /** The largest sum seen, MB; memory that processes share counts once. */
  peakMb = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(roots: readonly number[]) {
    this.#timer = setInterval(() => {
      this.peakMb = Math.max(this.peakMb, proportionalMb(descendants(roots)));
    }, pauseMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function descendants(roots: readonly number[]): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(name));
  }
  const found = new Set(roots);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

function parentOf(pid: string): number {
  return Number(
    read(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, "")
      .split(" ")[1],
  );
}

function proportionalMb(pids: readonly number[]): number {
  const kilobytes = pids.map((pid) => Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0));
  return (kilobytes.reduce((sum, value) => sum + value, 0) * 1024) / 1e6;
}

/** Empty where the process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
