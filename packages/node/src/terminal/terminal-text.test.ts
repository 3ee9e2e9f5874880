import { printable } from "@anabranch/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostileTexts } from "../report/testing/hostile-texts.ts";
import { createColours } from "./colours.ts";
import { terminalText, textWidth, writeJson, writeLines } from "./terminal-text.ts";
import { TerminalView } from "./terminal-view.ts";

const { bold, red } = createColours(true);
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of colours are what is looked for.
const OURS = /\u001b\[(?:1|2|22|31|32|33|36|39)m/g;
const foreign = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(...hostileTexts),
  fc.nat(0x9f).map((code) => `${String.fromCodePoint(code)}[31m`),
);
function record() {
  const written: string[] = [];
  return { stream: { write: (text: string) => written.push(text) }, text: () => written.join("") };
}
const isPrinted = (text: string) => printable(text, "\n") === text;

describe("terminalText", () => {
  it("writes our colours, and no sequence of a text from outside", () => {
    expect(terminalText(`${bold("a")} b`)).toBe("\u001b[1ma\u001b[22m b");
    expect(terminalText(red("\u001b[32mfinished\u001b[39m"))).toBe("\u001b[31m␛[32mfinished␛[39m\u001b[39m");
    const property = fc.property(foreign, foreign, (a, b) => {
      const written = terminalText(`${a}${bold(b)}${a}`);
      expect(written.match(OURS) ?? []).toHaveLength(b === "" ? 0 : 2);
      expect(written.replace(OURS, "")).toBe(printable(`${a}${b}${a}`));
    });
    fc.assert(property, { numRuns: 5000 });
  });

  it("takes the columns that were counted before", () => {
    const property = fc.property(foreign, (text) => {
      expect([...terminalText(bold(text)).replace(OURS, "")]).toHaveLength(textWidth(bold(text)));
    });
    fc.assert(property, { numRuns: 1000 });
    expect(textWidth(`${red("ab")}c\u001b`)).toBe(4);
  });

  it("gives a line one line end, its own", () => {
    const { stream, text } = record();
    writeLines(stream, ["a\nb", "c\u2028\r"]);
    expect(text()).toBe("a␊b\nc�␍\n");
  });

  it("writes JSON that reads back and steers nothing", () => {
    for (const text of hostileTexts) {
      const { stream, text: written } = record();
      writeJson(stream, { text });
      expect(isPrinted(written())).toBe(true);
      expect(JSON.parse(written())).toEqual(JSON.parse(JSON.stringify({ text })));
    }
  });
});

describe("TerminalView", () => {
  it.each(["human", "json"] as const)("writes nothing but printable text, whatever the events say: %s", (mode) => {
    const number = fc.oneof(fc.double(), fc.nat(), foreign);
    const types = [
      "run.started",
      "round.started",
      "client.failed",
      "round.finished",
      "evaluation",
      "client.evaluation",
    ];
    const event = fc
      .dictionary(
        fc.constantFrom(
          ...[
            "name",
            "run",
            "algorithm",
            "model",
            "dataset",
            "privacy",
            "code",
            "message",
            "reason",
            "round",
            "client",
          ],
          ...["loss", "accuracy", "clients", "cohort", "seed", "rounds", "split", "modelHash", "secureAggregation"],
        ),
        fc.oneof(foreign, number, fc.array(foreign)),
      )
      .chain((fields) =>
        fc
          .constantFrom(...types, "run.warning", "run.stopped", "run.finished", "checkpoint.saved", "other")
          .map((type) => ({ v: 1, at: "", round: 1, ...fields, type })),
      );
    const property = fc.property(fc.array(event, { maxLength: 8 }), foreign, fc.boolean(), (events, name, isTTY) => {
      const { stream, text } = record();
      const view = new TerminalView({ ...stream, isTTY, columns: 80 }, mode, createColours(isTTY));
      for (const one of events) view.onEvent(one);
      view.note(name);
      view.finish({ folder: name, files: [name, "report.html", `charts/${name}`] });
      expect(isPrinted(text().replaceAll("\r\u001b[2K", "").replace(OURS, ""))).toBe(true);
    });
    fc.assert(property, { numRuns: 1000 });
  });
});
