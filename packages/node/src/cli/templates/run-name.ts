import { basename, extname } from "node:path";

/** The name of the run that a configuration file describes: that of the file, without its ending. */
export function nameOf(file: string): string {
  return basename(file, extname(file));
}
