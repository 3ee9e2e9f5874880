import type { RunEvent } from "@anabranch/core";
import type { Output } from "./output.ts";

/** What shows a run while it goes on. */
export interface View {
  show(event: RunEvent): void;
  /** A remark between the lines of the run. */
  note(text: string): void;
  /** Leaves the terminal as it was found. */
  close(): void;
}

/** The terminal's view, or one that only passes remarks on where nothing else is to be printed. */
export function openView(output: Output): View {
  return {
    show: (event) => output.print(JSON.stringify(event).slice(0, 150)),
    note: (text) => process.stderr.write(`${text}\n`),
    close: () => {},
  };
}
