import { runCommandLine } from "../command-line.ts";

/** Carries a command line out in the test's own process, which is quicker than starting the command each time. */
export async function callCommand(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const stdout = capture(process.stdout);
  const stderr = capture(process.stderr);
  try {
    const code = await runCommandLine(args);
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.end();
    stderr.end();
    process.exitCode = 0;
  }
}

/** Takes what is written to a stream until `end` is called. */
function capture(stream: NodeJS.WriteStream): { text(): string; end(): void } {
  const { write } = stream;
  let text = "";
  stream.write = ((chunk: string) => {
    text += chunk;
    return true;
  }) as typeof stream.write;
  return {
    text: () => text,
    end: () => {
      stream.write = write;
    },
  };
}
