import type { RunStarted } from "../report/events.ts";

/** Shown for a figure that is not known. */
export const UNKNOWN = "–";

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** The decimal unit (1 MB = 1,000,000 bytes) in which `bytes` reads best. */
export function byteUnit(bytes: number): { readonly unit: string; readonly size: number } {
  let index = 0;
  // 999.95 and above would round to "1000.0" in the smaller unit.
  while (index < BYTE_UNITS.length - 1 && Math.abs(bytes) >= 999.95 * 1000 ** index) index++;
  return { unit: BYTE_UNITS[index] ?? "B", size: 1000 ** index };
}

/** `12.3 MB`, `512 B`; decimal units, one digit after the point above bytes. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return UNKNOWN;
  const { unit, size } = byteUnit(bytes);
  return unit === "B" ? `${Math.round(bytes)} B` : `${(bytes / size).toFixed(1)} ${unit}`;
}

/** A stretch of time as a clock: `0:21`, `12:05`, `1:02:03`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** A stretch of time with units: `420 ms`, `21.4 s`, `3 min 05 s`, `1 h 02 min`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return UNKNOWN;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const pad = (value: number) => String(value).padStart(2, "0");
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor(whole / 60) % 60)} min`;
}

/** A fixed number of digits after the point, or a dash where the number is not finite. */
export function formatFixed(value: number, digits = 4): string {
  return Number.isFinite(value) ? value.toFixed(digits) : UNKNOWN;
}

/** A fraction of 1 in percent: `81.23 %`. */
export function formatPercent(fraction: number, digits = 2): string {
  return Number.isFinite(fraction) ? `${(fraction * 100).toFixed(digits)} %` : UNKNOWN;
}

/** A count with thousands separated: `1,234,567`. Independent of the machine's locale. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return UNKNOWN;
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 client`, `2 clients`, `1,000 clients`. */
export function formatPlural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `206,986 parameters, 2,048 shared`: of those that not all travel, how many do, and how many stay with each client. */
export function parametersText({
  parameters,
  heldParameters,
}: Pick<RunStarted, "parameters" | "heldParameters">): string {
  if (!Number.isFinite(parameters)) return "";
  const all = formatPlural(parameters, "parameter");
  if (heldParameters === undefined) return all;
  const { personal, frozen } = heldParameters;
  const own = personal === 0 ? "" : `, ${formatCount(personal)} personal`;
  return `${all}, ${formatCount(parameters - personal - frozen)} shared${own}`;
}

/** The graph of a run without a server, and how well it mixes. */
export function topologyText({ name, nodes, lambda, links }: NonNullable<RunStarted["topology"]>): string {
  const mixing =
    lambda === undefined ? "" : `, lambda ${formatFixed(lambda, 3)}, spectral gap ${formatFixed(1 - lambda, 3)}`;
  return `${name} of ${formatPlural(nodes, "node")}${mixing}, ${formatPlural(Math.round(links), "message")} per mixing step`;
}

/** `10 at a time, 5 updates per round`. */
export function asynchronousText({ buffer, concurrency }: { buffer: number; concurrency: number }): string {
  return `${formatCount(concurrency)} at a time, ${formatPlural(buffer, "update")} per round`;
}
