import { InvalidArgumentError } from "commander";

/** A positive integer, for an option. */
export function positiveCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1) return value;
  throw new InvalidArgumentError("Expected a positive integer.");
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
