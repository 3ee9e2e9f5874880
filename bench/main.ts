import { existsSync, readdirSync } from "node:fs";
import { describeMachine, machineLine } from "./lib/machine.ts";
import { type BenchModule, type BenchOptions, formatResult } from "./lib/result.ts";

/** `npm run bench -- NAME [--option value] [--json]`: runs bench/NAME.ts and prints what it measured. */
async function main(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
  const available = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith(".ts") && file !== "main.ts")
    .map((file) => file.slice(0, -3));
  if (name === undefined || !available.includes(name) || !existsSync(`${import.meta.dirname}/${name}.ts`)) {
    console.error(`usage: npm run bench -- NAME [--json] [options]\nbenchmarks: ${available.join(", ")}`);
    process.exitCode = 2;
    return;
  }
  const options = parseOptions(rest);
  const benchmark: BenchModule = await import(`./${name}.ts`);
  const machine = describeMachine();
  const result = await benchmark.run(options);
  if (options.json !== undefined) console.log(JSON.stringify({ ...result, machine, command: args.join(" ") }));
  else console.log(`${formatResult(result)}\n${machineLine(machine)}`);
}

function parseOptions(args: readonly string[]): BenchOptions {
  const options: Record<string, string> = {};
  for (let i = 0; i < args.length; i++) {
    const flag = args[i]!;
    if (!flag.startsWith("--")) throw new Error(`unexpected argument "${flag}"; options start with --`);
    const value = args[i + 1];
    const takesValue = value !== undefined && !value.startsWith("--");
    options[flag.slice(2)] = takesValue ? value : "";
    if (takesValue) i++;
  }
  return options;
}

await main(process.argv.slice(2));
