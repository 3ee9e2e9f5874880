import pino, { type Logger } from "pino";

export type { Logger } from "pino";

/**
 * The server's log: one JSON object a line. It has no tokens and no keys: requests are logged by method, path and status,
 * never by header, query or body.
 *
 * @param file what it is added to; default: standard error
 * @throws the system's errors where the file cannot be opened
 */
export function openLog(file?: string): Logger {
  const settings = {
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    messageKey: "message",
    redact: { paths: ["token", "authorization", "session", "*.token", "*.authorization", "*.session"], remove: true },
  };
  return pino(settings, pino.destination({ dest: file ?? 2, sync: true }));
}

/** A log that nobody reads. */
export function silentLog(): Logger {
  return pino({ level: "silent" });
}
