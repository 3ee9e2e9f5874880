import { readFileSync } from "node:fs";

/** What a process has used so far, all its threads together. */
export interface Usage {
  /** Resident memory now, MB. */
  readonly residentMb: number;
  /** The largest resident memory that it ever had, MB. */
  readonly peakMb: number;
  /** Processor time, seconds. */
  readonly cpuSeconds: number;
}

/** Ticks of /proc/PID/stat per second, the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Reads /proc, so it needs Linux. @throws where the process has ended */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (key: string) => (Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024) / 1e6;
  // the name of the program may have spaces; the fields after it have none
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return {
    residentMb: megabytes("VmRSS"),
    peakMb: megabytes("VmHWM"),
    cpuSeconds: (user + system) / ticksPerSecond,
  };
}
