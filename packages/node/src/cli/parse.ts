import { InvalidArgumentError } from "commander";

/** A positive integer, for an option. */
export function positiveCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1) return value;
  throw new InvalidArgumentError("Expected a positive integer.");
}

/** Positive integers separated by commas, for an option. */
export function countList(text: string): readonly number[] {
  return text.split(",").map(positiveCount);
}

/** An accuracy as a fraction of 1, for an option. */
export function fraction(text: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value > 0 && value <= 1) return value;
  throw new InvalidArgumentError("Expected a fraction above 0 and up to 1, e.g. 0.8.");
}

/** A finite number, for an option. */
export function finiteNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("Expected a number, e.g. 0.1 or 1e-5.");
}

/** A finite number above 0, for an option. */
export function positiveNumber(text: string): number {
  const value = finiteNumber(text);
  if (value > 0) return value;
  throw new InvalidArgumentError("Expected a positive number, e.g. 8 or 1e-5.");
}

/** An integer from 0 up, for an option. */
export function wholeCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected an integer from 0 up.");
}

/** A TCP port, for an option; 0: any that is free. */
export function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("Expected an integer from 0 to 65535.");
}

const BYTE_SIZES: Readonly<Record<string, number>> = { "": 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** A number of bytes such as 500000, 100MB or 2 GB (decimal units), for an option. */
export function byteCount(text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-zA-Z]*)$/.exec(text.trim()) ?? [];
  const size = BYTE_SIZES[unit.toUpperCase()];
  const bytes = Math.round(Number(number) * (size ?? Number.NaN));
  if (number !== "" && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError("Expected a number of bytes, e.g. 500000, 100MB or 2GB.");
}

/** Labels such as site=north, collected, for a repeatable option. */
export function labelPair(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const at = text.indexOf("=");
  if (at > 0 && at <= 64 && text.length - at - 1 <= 64) return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
  throw new InvalidArgumentError("Expected KEY=VALUE, at most 64 characters each, e.g. site=north.");
}

/** The values of a repeatable option. */
export function repeated(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}
