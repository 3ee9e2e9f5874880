import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseConfig, parseToml } from "@anabranch/core";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createProgram } from "../packages/node/src/cli/program.ts";
import { commandLines, guideSteps, shellWords } from "./guide-steps.ts";
import { filesBelow, readText, root } from "./source-files.ts";

const guides = [...filesBelow("docs"), "README.md"].filter((path) => path.endsWith(".md"));

/** Commands of a page, also those that are only shown, such as `npx anabranch serve ...`. */
function shownCommands(path: string): string[] {
  const blocks = [...readText(path).matchAll(/^```(?:sh|bash)\n([\s\S]*?)^```$/gm)].map(([, text]) => text!);
  return blocks.flatMap(commandLines).flatMap((line) => /^(?:npx )?anabranch (.*)$/.exec(line)?.[1] ?? []);
}

const program = await createProgram();

/** What is wrong with a command line: an unknown command or option, or a wrong number of arguments. */
function mistakes(line: string): string[] {
  let command: Command = program;
  let words = shellWords(line).filter((word) => word !== "...");
  if (words.includes(">")) words = words.slice(0, words.indexOf(">"));
  for (let next = step(command, words); next !== undefined; next = step(command, words)) {
    command = next;
    words = words.slice(1);
  }
  const globals = program.parseOptions(words);
  const { operands, unknown } = command.parseOptions([...globals.operands, ...globals.unknown]);
  const { registeredArguments } = command;
  const most = registeredArguments.some(({ variadic }) => variadic)
    ? Number.POSITIVE_INFINITY
    : registeredArguments.length;
  const least = registeredArguments.filter(({ required }) => required).length;
  return [
    ...unknown.map((option) => `unknown option ${option}`),
    ...(operands.length > most || operands.length < least ? [`${operands.length} arguments`] : []),
  ];
}

function step(command: Command, [word]: readonly string[]): Command | undefined {
  return command.commands.find((one) => one.name() === word);
}

describe("a guide", () => {
  it("has commands of the program, with options that they take", () => {
    const commands = guides.flatMap((path) => shownCommands(path).map((line) => ({ path, line })));
    expect(commands.length).toBeGreaterThan(40);
    const wrong = commands.map(({ path, line }) => ({ path, line, mistakes: mistakes(line) }));
    expect(wrong.filter((one) => one.mistakes.length > 0)).toEqual([]);
  });

  it("has the files that its commands name, where the commands are to be typed", () => {
    for (const path of guides) {
      const saved = new Set<string>();
      for (const step of guideSteps(readText(path))) {
        if (step.kind === "file") saved.add(step.name);
        else {
          const named = shellWords(step.text).filter((word) => word.endsWith(".toml"));
          expect(
            named.filter((name) => !saved.has(name)),
            `${path}:${step.line}`,
          ).toEqual([]);
        }
      }
    }
  });

  it("has configurations that are valid", () => {
    const files = guides.flatMap((path) => guideSteps(readText(path)).map((step) => ({ ...step, path })));
    const toml = files.filter((step) => step.kind === "file").filter(({ name }) => name.endsWith(".toml"));
    expect(toml.length).toBeGreaterThan(5);
    for (const { name, text, path } of toml) {
      const isSweep = "base" in parseToml(text, name);
      if (!isSweep) expect(() => parseConfig(text, `${path}, ${name}`)).not.toThrow();
    }
  });

  it("links to pages that exist, at headings that they have", () => {
    const broken = guides.flatMap((path) =>
      [...readText(path).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target]) => target!)
        .filter((target) => !/^https?:/.test(target))
        .filter((target) => !isThere(path, target))
        .map((target) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});

function isThere(from: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : join(dirname(from), file);
  if (!existsSync(join(root, path))) return false;
  return anchor === undefined || !path.endsWith(".md") || anchorsOf(readText(path)).has(anchor);
}

/** GitHub's anchors of the headings of a page. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, text]) =>
    text!.replace(/`|\[([^\]]*)\]\([^)]*\)/g, "$1"),
  );
  const anchors = headings.map((text) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\d _-]/gu, "")
      .replaceAll(" ", "-"),
  );
  return new Set(
    anchors.flatMap((anchor, at) => [anchor, `${anchor}-${anchors.slice(0, at).filter((a) => a === anchor).length}`]),
  );
}
