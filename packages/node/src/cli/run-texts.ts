import type { RunStatus } from "@anabranch/core";
import type { Output } from "./output.ts";

/** An unknown figure as the number that the formats show as a dash. */
export function orNaN(value: number | null | undefined): number {
  return value ?? Number.NaN;
}

/** A NaN as null, for JSON documents. */
export function orNull(value: number | null | undefined): number | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : value;
}

/** An ISO time as date and time of day where the user is. */
export function localTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "–";
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The word for a status, coloured by what it means. */
export function statusColour(status: RunStatus, colours: Output["colours"]): string {
  switch (status) {
    case "finished":
    case "stopped":
      return colours.green(status);
    case "running":
      return colours.cyan(status);
    case "interrupted":
      return colours.yellow(status);
    case "diverged":
    case "failed":
    case "unreadable":
      return colours.red(status);
  }
}
