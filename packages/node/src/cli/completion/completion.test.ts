import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, it } from "vitest";
import { createProgram } from "../program.ts";
import { callCommand } from "../testing/call-command.ts";
import { type CommandNode, commandTree } from "./command-tree.ts";

const tree = commandTree(await createProgram());

/** What bash offers for a command line whose last word is under the cursor: the script in a real bash. */
function offers(script: string, lines: readonly (readonly string[])[]): string[][] {
  const calls = lines.map((words) => {
    const typed = ["anabranch", ...words].map((word) => `'${word}'`).join(" ");
    return `COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _anabranch; echo "\${COMPREPLY[*]}"`;
  });
  const { stdout, stderr, status } = spawnSync("bash", ["--noprofile", "--norc"], {
    input: `${script}\n${calls.join("\n")}\n`,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => line.split(" ").filter((word) => word !== ""));
}

const wordsOf = ({ commands, choices, options }: CommandNode) => [
  ...commands.map(({ text }) => text),
  ...choices,
  ...options.map(({ text }) => text),
];
const typed = ({ path }: CommandNode) => path.split(" ").filter((word) => word !== "");

describe("completion", () => {
  let script: string;
  beforeAll(async () => {
    const { code, stdout, stderr } = await callCommand("completion", "bash");
    expect(code, stderr).toBe(0);
    script = stdout;
  });

  it("offers every command and option of the program in bash, and nothing else", () => {
    expect(tree.length).toBeGreaterThan(20);
    expect(tree.map(({ path }) => path)).toContain("privacy epsilon");
    const found = offers(
      script,
      tree.map((node) => [...typed(node), ""]),
    );
    expect(found).toEqual(tree.map(wordsOf));
  });

  it("completes the beginning of a word, after options and their values", () => {
    const found = offers(script, [
      ["mode"],
      ["run", "a.toml", "--work"],
      ["--runs", "elsewhere", "privacy", "noi"],
      ["run", "--workers", ""],
      ["completion", "z"],
      ["export", "la"],
    ]);
    // a number follows --workers: bash then offers files, which the script leaves to it
    expect(found).toEqual([["models"], ["--workers"], ["noise"], [], ["zsh"], ["last"]]);
  });

  it("offers the choices of an option", () => {
    const [node] = tree.filter(({ values }) => Object.keys(values).length > 0);
    const [option, values] = Object.entries(node!.values)[0]!;
    expect(offers(script, [[...typed(node!), option, ""]])).toEqual([[...values]]);
  });

  it.each(["zsh", "fish"])("of %s names every command and option", async (shell) => {
    const { stdout } = await callCommand("completion", shell);
    for (const node of tree) {
      expect(stdout).toContain(node.path);
      for (const { text } of node.commands) expect(stdout).toContain(text);
      for (const { text } of node.options)
        expect(stdout).toContain(shell === "zsh" ? `'${text}:` : `-l ${text.slice(2)}`);
    }
  });

  it("is refused for another shell", async () => {
    const { code, stderr } = await callCommand("completion", "csh");
    expect(code).toBe(2);
    expect(stderr).toContain("error usage/invalid-value: ");
  });
});
