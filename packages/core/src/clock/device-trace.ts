import { AnabranchError } from "@anabranch/engine";

/** A time in which a device works: from one instant to another, in seconds since the trace begins. */
export interface DeviceWindow {
  readonly from: number;
  readonly until: number;
  /** Seconds that an order takes in it. */
  readonly seconds: number;
}

/** When the devices of a trace work and how fast, [devices][windows] in order of time; it repeats after `period` seconds. */
export interface DeviceTrace {
  readonly devices: readonly (readonly DeviceWindow[])[];
  readonly period: number;
}

const COLUMNS = ["device", "from", "until", "seconds"] as const;

/**
 * Reads a trace: lines of device, from, until and seconds, after a line with these names. Devices are numbered from 0; client i
 * has device i modulo their number. Outside of its windows a device is off. Throws `clock/trace`, naming the line.
 *
 * @param where names the file in errors
 *
 * @example
 * ```ts
 * import { parseDeviceTrace } from "@anabranch/core";
 * const { devices, period } = parseDeviceTrace("device,from,until,seconds\n0,0,3600,2.5\n", "devices.csv");
 * devices; // => [[{ from: 0, until: 3600, seconds: 2.5 }]]
 * period; // => 3600
 * ```
 */
export function parseDeviceTrace(text: string, where: string): DeviceTrace {
  const lines = text.split(/\r?\n/);
  if (lines[0]!.trim() !== COLUMNS.join(",")) {
    throw refusal(`${where}, line 1`, JSON.stringify(lines[0]!.slice(0, 60)), COLUMNS.join(","));
  }
  const windows = new Map<number, DeviceWindow[]>();
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === "") continue;
    const at = `${where}, line ${index + 1}`;
    const [device, window] = readLine(line, at);
    const own = windows.get(device) ?? [];
    const before = own.at(-1);
    if (before !== undefined && window.from < before.until) {
      throw refusal(at, `from ${window.from}`, `at least ${before.until}, where the device's last window ends`);
    }
    windows.set(device, [...own, window]);
  }
  if (windows.size === 0) throw refusal(where, "no windows", "at least one line for each device");
  const devices = Array.from({ length: windows.size }, (_, device) => windows.get(device));
  const missing = devices.indexOf(undefined);
  if (missing >= 0) throw refusal(where, `no line of device ${missing}`, `devices 0 to ${windows.size - 1}`);
  const known = devices.map((own) => own!);
  return { devices: known, period: Math.max(...known.map((own) => own.at(-1)!.until)) };
}

function readLine(line: string, where: string): readonly [number, DeviceWindow] {
  const values = line.split(",").map((cell) => (cell.trim() === "" ? Number.NaN : Number(cell)));
  if (values.length !== COLUMNS.length) {
    throw refusal(where, `${values.length} values`, `${COLUMNS.length}: ${COLUMNS.join(", ")}`);
  }
  const [device, from, until, seconds] = values as [number, number, number, number];
  if (!(Number.isInteger(device) && device >= 0)) throw refusal(where, `device ${device}`, "an integer of at least 0");
  if (!(from >= 0 && Number.isFinite(from))) throw refusal(where, `from ${from}`, "0 or more");
  if (!(until > from && until <= LONGEST)) {
    throw refusal(where, `until ${until}`, `more than from = ${from}, at most ${LONGEST}`);
  }
  if (!(seconds >= SHORTEST && seconds <= LONGEST)) {
    throw refusal(where, `seconds ${seconds}`, `${SHORTEST} to ${LONGEST}`);
  }
  return [device, { from, until, seconds }];
}

/** Seconds. */
const [SHORTEST, LONGEST] = [1e-6, 1e7];

/** Times that a trace is run through before an order counts as never done. */
const MOST_PERIODS = 1000;

/**
 * How long a client takes that begins at an instant, in microseconds: it works while its device is on, at the speed of each
 * window. `share`: of an order's work.
 *
 * @example traceDuration(trace, 4, 0, 1)
 */
export function traceDuration({ devices, period }: DeviceTrace, client: number, at: number, share: number): number {
  const windows = devices[client % devices.length]!;
  const start = at / 1e6;
  let left = share;
  const first = Math.floor(start / period);
  for (let lap = first; lap < first + MOST_PERIODS; lap++) {
    for (const { from, until, seconds } of windows) {
      const begin = Math.max(start, lap * period + from);
      const end = lap * period + until;
      if (end <= begin) continue;
      const needed = left * seconds;
      if (begin + needed <= end) return Math.max(1, Math.round((begin + needed) * 1e6) - at);
      left -= (end - begin) / seconds;
    }
  }
  return Math.round(period * MOST_PERIODS * 1e6);
}

function refusal(where: string, received: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "clock/trace",
    message: "the trace of devices cannot be read",
    where,
    received,
    expected,
    advice: "Each line says that a device works from one second until another, and how long an order takes it then.",
  });
}
