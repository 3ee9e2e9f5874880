import type { Command } from "commander";

/** Adds examples below the help of a command: what is typed, and what that does. */
export function withExamples(command: Command, ...examples: readonly (readonly [string, string])[]): Command {
  const width = Math.max(...examples.map(([typed]) => typed.length));
  const lines = examples.map(([typed, does]) => `  ${typed.padEnd(width)}  ${does}`);
  return command.addHelpText("after", ["", examples.length === 1 ? "Example:" : "Examples:", ...lines].join("\n"));
}
