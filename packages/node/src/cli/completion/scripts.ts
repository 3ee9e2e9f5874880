import type { CommandNode, Word } from "./command-tree.ts";

/** Shells that a script is written for. */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** The script that makes a shell complete `anabranch`. */
export function completionScript(shell: Shell, tree: readonly CommandNode[]): string {
  return { bash, zsh, fish }[shell](tree);
}

/** A script of bash 3.2 or newer. Words that are no commands, options or choices are completed as files. */
function bash(tree: readonly CommandNode[]): string {
  return `# anabranch: completion for bash. Load it with: source <(anabranch completion bash)
_anabranch() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" at="" i words=""
  ${walk(tree, { first: 1, last: "COMP_CWORD", words: "COMP_WORDS" })}
  COMPREPLY=()
  case "$at $before" in
${valueCases(tree, (values) => `words=${quoted(values.join(" "))}`, "return 0")}
    *)
      case "$at" in
${tree.map((node) => `        ${quoted(node.path)}) words=${quoted(bashWords(node))} ;;`).join("\n")}
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _anabranch anabranch
`;
}

function bashWords({ commands, choices, options }: CommandNode): string {
  return [...commands.map(({ text }) => text), ...choices, ...options.map(({ text }) => text)].join(" ");
}

/** A script of zsh, which shows what the words are for. */
function zsh(tree: readonly CommandNode[]): string {
  const described = (words: readonly Word[]) =>
    words.map(({ text, about }) => quoted(`${text.replaceAll(":", "\\:")}:${about}`)).join(" ");
  return `#compdef anabranch
# anabranch: completion for zsh. Load it with: source <(anabranch completion zsh)
_anabranch() {
  local before="\${words[CURRENT-1]}" at="" i
  local -a found
  ${walk(tree, { first: 2, last: "CURRENT", words: "words" })}
  case "$at $before" in
${valueCases(tree, (values) => `compadd -- ${values.map(quoted).join(" ")}; return`, "_files; return")}
  esac
  case "$at" in
${tree
  .map((node) => {
    const choices = node.choices.map((text) => ({ text, about: "" }));
    return `    ${quoted(node.path)}) found=(${described([...node.commands, ...choices, ...node.options])}) ;;`;
  })
  .join("\n")}
  esac
  _describe 'anabranch' found
  _files
}
if [[ "\${funcstack[1]}" = _anabranch ]]; then _anabranch "$@"; else compdef _anabranch anabranch; fi
`;
}

/** A script of fish: one rule for each word. */
function fish(tree: readonly CommandNode[]): string {
  const paths = tree.filter(({ path }) => path !== "").map(({ path }) => path);
  const rules = tree.flatMap((node) => {
    const when = `-n ${quoted(`test (__anabranch_path) = ${JSON.stringify(node.path)}`)}`;
    const commands = node.commands.map(({ text, about }) => `-a ${text} -d ${fishQuoted(about)}`);
    const choices = node.choices.map((text) => `-a ${text}`);
    const options = node.options.map(({ text, about }) => {
      const values = node.values[text];
      const takes =
        values === undefined ? (node.valued.includes(text) ? " -r" : "") : ` -x -a ${quoted(values.join(" "))}`;
      return `-l ${text.slice(2)}${takes} -d ${fishQuoted(about)}`;
    });
    const noFiles = node.commands.length + node.choices.length > 0 ? ["-f"] : [];
    return [...noFiles, ...commands, ...choices, ...options].map((rule) => `complete -c anabranch ${when} ${rule}`);
  });
  return `# anabranch: completion for fish. Load it with: anabranch completion fish | source
function __anabranch_path
  set -l path ""
  for word in (commandline -opc)[2..]
    set -l next (string trim -- "$path $word")
    contains -- "$next" ${paths.map((path) => JSON.stringify(path)).join(" ")}; and set path "$next"
  end
  echo "$path"
end
${rules.join("\n")}
`;
}

/** A loop of bash and zsh that finds the command that the words before the cursor name. */
function walk(
  tree: readonly CommandNode[],
  { first, last, words }: { first: number; last: string; words: string },
): string {
  const paths = tree.filter(({ path }) => path !== "").map(({ path }) => quoted(path));
  return `for ((i = ${first}; i < ${last}; i++)); do
    local next="\${at:+$at }\${${words}[i]}"
    case "$next" in
      ${paths.join("|")}) at="$next" ;;
    esac
  done`;
}

/** Branches for words after an option that takes a value. */
function valueCases(tree: readonly CommandNode[], few: (values: readonly string[]) => string, any: string): string {
  const branches = tree.flatMap(({ path, values, valued }) => [
    ...Object.entries(values).map(([option, known]) => `    ${quoted(`${path} ${option}`)}) ${few(known)} ;;`),
    ...(valued.length === 0 ? [] : [`    ${valued.map((option) => quoted(`${path} ${option}`)).join("|")}) ${any} ;;`]),
  ]);
  return branches.join("\n");
}

/** A word of bash or zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
