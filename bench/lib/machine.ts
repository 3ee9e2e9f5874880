import { cpus, loadavg, totalmem } from "node:os";

/** Where and when metrics were taken: they do not travel between machines. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly date: string;
  /** Mean number of busy processes in the minute before: above the number of cores, times are not to be trusted. */
  readonly load: number;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    date: new Date().toISOString().slice(0, 16),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

export function machineLine(machine: Machine): string {
  const { processor, cores, memoryGiB, node, date, load } = machine;
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, Node ${node}, ${date} UTC, load before ${load}`;
}
