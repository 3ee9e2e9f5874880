import { InvalidArgumentError } from "commander";

/** A whole number from 1 on, for an option. */
export function positiveCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1) return value;
  throw new InvalidArgumentError("It is a whole number from 1 on.");
}
