import { writeJson, writeLines } from "../terminal/terminal-text.ts";

/** What Ctrl-C does until a command has begun; undefined where something else listens. */
let listener: (() => void) | undefined;

/**
 * Reports Ctrl-C and SIGTERM that come before a command listens for them, and ends the process as a shell expects: 130.
 *
 * @param json print a document in place of a line
 */
export function watchStartUp(json: boolean): void {
  listener = () => {
    startUpEnded();
    const message = "Stopped during start-up. Nothing was started.";
    if (json) writeJson(process.stdout, { error: { code: "run/interrupted", message } });
    else writeLines(process.stderr, [message]);
    process.kill(process.pid, "SIGINT");
  };
  process.on("SIGINT", listener).on("SIGTERM", listener);
}

/** Called by what listens from now on, and by commands that end at once. */
export function startUpEnded(): void {
  if (listener !== undefined) process.off("SIGINT", listener).off("SIGTERM", listener);
  listener = undefined;
}
