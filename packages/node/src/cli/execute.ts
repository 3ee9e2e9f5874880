import type { RunOutcome, SessionOptions } from "../run/session.ts";
import { type TextStream, writeLines } from "../terminal/terminal-text.ts";
import { Execution } from "./execution.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import type { GlobalOptions } from "./globals.ts";
import { listenForInterrupt } from "./interrupt.ts";
import type { Output } from "./output.ts";

type Session = (options: SessionOptions) => Promise<RunOutcome>;

const exited = "Exited immediately. The last checkpoint is intact.";

/**
 * Executes a run or resumes it: shows its events, listens for Ctrl-C, reports how it ended and sets the exit status.
 *
 * @param resume arguments of the command that continues the run, without its id
 */
export async function execute(
  globals: GlobalOptions,
  output: Output,
  session: Session,
  resume = "resume",
): Promise<void> {
  const { stdout, stderr } = process;
  const run = new Execution({ stdout, stderr, output, resume });
  using interrupt = listenForInterrupt({
    first: () =>
      run.print(
        run.hasStarted
          ? "Finishing and saving this round, then stopping. Press Ctrl-C again to exit immediately."
          : "Stopping before the first round. Press Ctrl-C again to exit immediately.",
      ),
    second: () => run.print(`${exited} ${run.resumeLine}`),
  });
  process.exitCode = await run.carryOut(globals, session, interrupt.signal);
}

/** One of several runs that a command executes. */
export interface ConcurrentRun {
  /** Stands before its lines of text. */
  label(): string;
  /** Undefined before the run has a folder. */
  id(): string | undefined;
  readonly session: Session;
}

/** Executes several runs at once. One that fails is reported and the others continue; the exit status is then 1. */
export async function executeAll(
  globals: GlobalOptions,
  output: Output,
  runs: readonly ConcurrentRun[],
  resume: string,
): Promise<void> {
  const { stdout, stderr } = process;
  const hasLabels = !output.json && !output.quiet;
  const shown = runs.map(({ label, id, session }) => {
    const view = {
      stdout: hasLabels ? labelledStream(stdout, label) : stdout,
      stderr: labelledStream(stderr, label),
      ...{ output, resume, runId: id },
    };
    return { session, run: new Execution(view) };
  });
  using interrupt = listenForInterrupt({
    first: () =>
      writeLines(stderr, [
        "Finishing and saving the round of every run, then stopping. Press Ctrl-C again to exit immediately.",
      ]),
    second: () => {
      for (const { run } of shown) run.print(`${exited} ${run.resumeLine}`);
    },
  });
  const codes = await Promise.all(
    shown.map(async ({ session, run }): Promise<number> => {
      try {
        return await run.carryOut(globals, session, interrupt.signal);
      } catch (error) {
        run.showFailure(error);
        return exitCodeOf(error) === exitCodes.interrupted ? exitCodes.interrupted : exitCodes.failed;
      }
    }),
  );
  const failed = codes.includes(exitCodes.failed);
  process.exitCode = failed ? exitCodes.failed : Math.max(...codes);
}

/** Puts a label before each line. Whole lines are written. */
export function labelledStream(stream: TextStream, label: () => string): TextStream {
  return { write: (text) => stream.write(text.replace(/^(?=.)/gm, () => `[${label()}] `)) };
}
