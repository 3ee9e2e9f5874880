import pino, { type Logger } from "pino";
import { storageError } from "../store/storage-error.ts";

export type { Logger } from "pino";

/** Bytes that wait for a disk that does not take them. */
const mostWaiting = 1 << 20;

/**
 * The server's log: one JSON object a line. It has no tokens and no keys: requests are logged by method, path and status,
 * never by header, query or body.
 *
 * Lines that cannot be written, as on a full disk, are lost: a run does not end for its log.
 *
 * @param file what it is added to; default: standard error
 * @throws `store/not-writable`, `store/no-folder` and the like where the file cannot be opened
 */
export function openLog(file?: string): Logger {
  return pino(settings, openDestination(file));
}

/** The logs of runs in their own folders, and one for what concerns all of them: it is written to each. */
export class RunLogs {
  readonly #destinations: pino.DestinationStream[] = [];
  readonly shared: Logger = pino(settings, { write: (line) => this.#write(line) });

  /** @throws as `openLog` */
  open(file: string): Logger {
    const destination = openDestination(file);
    this.#destinations.push(destination);
    return pino(settings, destination);
  }

  #write(line: string): void {
    for (const destination of this.#destinations) destination.write(line);
  }
}

const settings = {
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  messageKey: "message",
  redact: { paths: ["token", "authorization", "session", "*.token", "*.authorization", "*.session"], remove: true },
};

function openDestination(file: string | undefined): pino.DestinationStream {
  try {
    const destination = pino.destination({ dest: file ?? 2, sync: true, maxLength: mostWaiting });
    destination.on("error", () => {});
    return destination;
  } catch (error) {
    throw storageError(error, { what: "the server's log", path: file ?? "stderr" });
  }
}

/** A log that nobody reads. */
export function silentLog(): Logger {
  return pino({ level: "silent" });
}
