import type { Command } from "commander";
import { findRun } from "../../store/find-run.ts";
import { changeTags } from "../../store/run-tags.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";

export function addTag(program: Command): void {
  const command = program
    .command("tag")
    .description("Add tags to a run, or show those that it has. `list --tag` finds runs by them.")
    .argument("<run>", 'id or its first characters, name, folder, or "last"')
    .argument("[tags...]", "such as baseline")
    .option("--remove", "remove these tags instead")
    .action(async (name: string, tags: string[], options: { remove?: boolean }, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const run = await findRun(globals.runs, name);
      const all = await changeTags(run.folder, tags, options.remove === true);
      if (output.json) output.document({ run: run.id, folder: run.folder, tags: all });
      else output.print(all.length === 0 ? `${run.id} has no tags.` : `${run.id}: ${all.join(" ")}`);
    });
  acceptsOptions(command, "runs");
  withExamples(
    command,
    ["anabranch tag last baseline", "tag the latest run"],
    ["anabranch tag k3x baseline --remove", "take the tag away"],
  );
}
