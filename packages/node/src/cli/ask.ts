import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { writeLines } from "../terminal/terminal-text.ts";

/** Asks a question at the terminal, to be answered with yes or no; undefined where there is no terminal. */
export function terminalQuestion(): ((question: string) => Promise<boolean>) | undefined {
  const { stdin, stderr } = process;
  if (!stdin.isTTY || !stderr.isTTY) return undefined;
  return async (question) => {
    const lines = createInterface({ input: stdin, output: stderr });
    try {
      const closed = once(lines, "close").then(() => "");
      lines.once("SIGINT", () => lines.close());
      // Ctrl-D and Ctrl-C are no answer
      const answered = lines.question(`${question} [y/N] `).catch(() => "");
      const text = await Promise.race([answered, closed]);
      if (text === "") writeLines(stderr, [""]);
      return /^y(es)?$/i.test(text.trim());
    } finally {
      lines.close();
    }
  };
}
