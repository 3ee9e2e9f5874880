import { randomUUID } from "node:crypto";
import pc from "picocolors";

/** Sets a text in a colour or weight. */
export type Paint = (text: string) => string;

/** Colours as marks, which `terminalText` alone turns into escape sequences. */
export interface Colours {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

/** A mark holds a number that only this process knows: no text from outside can hold one, whatever it imitates. */
const SECRET = randomUUID();
const mark = (code: number) => `\u001b<${SECRET}:${code}>`;
/** Marks in a text, with the parameter of the sequence (SGR) that each stands for. */
export const MARKS = new RegExp(`\u001b<${SECRET}:(\\d+)>`, "g");

/** Colours, or none. */
export function createColours(enabled: boolean): Colours {
  const paint =
    (open: number, close: number): Paint =>
    (text) =>
      enabled && text !== "" ? mark(open) + text + mark(close) : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

/** Colours for a stream: on a terminal, unless NO_COLOR or the like asks for none. */
export function coloursFor(stream: { readonly isTTY?: boolean }): Colours {
  return createColours(pc.isColorSupported && stream.isTTY === true);
}
