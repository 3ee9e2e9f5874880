import { type Colours, coloursFor } from "../terminal/colours.ts";
import { writeJson, writeLines } from "../terminal/terminal-text.ts";
import { withTypedCommands } from "./command-name.ts";
import { endAtOnce } from "./end-process.ts";

/** Where a command writes: documents and answers on stdout, remarks on stderr. */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Columns of the terminal; wide where stdout is no terminal, so that nothing is broken into lines. */
  readonly width: number;
  readonly colours: Colours;
  /** Lines on stdout. A list that may be long is given as it is: a call takes some 120,000 arguments. */
  print(...lines: readonly (string | readonly string[])[]): void;
  /** The command's whole answer as one JSON document. */
  document(value: unknown): void;
  /** A remark on stderr; none with --quiet. */
  note(text: string): void;
}

export function createOutput(options: { readonly json: boolean; readonly quiet: boolean }): Output {
  const { stdout, stderr } = process;
  return {
    ...options,
    width: stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY,
    colours: coloursFor(stdout),
    print(...lines) {
      writeLines(stdout, lines.flat());
    },
    document(value) {
      writeJson(stdout, value, 2);
    },
    note(text) {
      if (!options.quiet) writeLines(stderr, [withTypedCommands(text)]);
    },
  };
}

/** A reader that has seen enough (`anabranch list | head -1`) is no failure of the command. */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      endAtOnce(Number(process.exitCode ?? 0)); // workers may be in native code
    });
  }
}
