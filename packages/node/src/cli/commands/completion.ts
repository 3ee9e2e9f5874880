import { Argument, type Command } from "commander";
import { commandTree } from "../completion/command-tree.ts";
import { completionScript, type Shell, shells } from "../completion/scripts.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";

export function addCompletion(program: Command): void {
  const command = program
    .command("completion")
    .description("Print a script that makes a shell complete the commands and options of anabranch.")
    .addArgument(new Argument("<shell>", "shell to write it for").choices(shells))
    .action((shell: Shell, _options: unknown, self: Command) => {
      const { output } = parseInvocation(self);
      const script = completionScript(shell, commandTree(program));
      if (output.json) output.document({ shell, script });
      else output.print(script.trimEnd().split("\n"));
    });
  acceptsOptions(command);
  withExamples(
    command,
    ["anabranch completion fish > ~/.config/fish/completions/anabranch.fish", "for fish"],
    ["source <(anabranch completion bash)", "in ~/.bashrc; the same with zsh in ~/.zshrc"],
  );
}
