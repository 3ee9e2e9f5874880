import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { algorithms, type MethodDefinition, unknownMethod } from "@anabranch/core";
import type * as z from "zod";
import { type MethodHeader, parseMethodHeader } from "./method-header.ts";

/** An option of a method as users write it. */
export interface MethodOption {
  readonly name: string;
  /** The paper's symbol, accepted in the option's place; undefined where there is none. */
  readonly symbol: string | undefined;
  readonly required: boolean;
  /** Undefined where there is none. */
  readonly defaultValue: unknown;
  readonly description: string;
}

/** A method with all that is known of it. */
export interface MethodInfo extends MethodHeader {
  readonly name: string;
  /** File name below core's `algorithms/`. */
  readonly file: string;
  readonly options: readonly MethodOption[];
}

/** Core's folder of methods: sources in the repository, compiled files in an installed package. */
function algorithmsFolder(): { readonly folder: string; readonly extension: string } {
  const index = createRequire(import.meta.url).resolve("@anabranch/core");
  return { folder: join(dirname(index), "algorithms"), extension: extname(index) };
}

/** Every method of the registry, in its order. */
export function methodCatalog(): MethodInfo[] {
  return algorithms.map(methodInfo);
}

/**
 * The method of a name.
 *
 * @throws `algorithm/unknown` with the nearest name, or with the option of that name
 */
export function methodNamed(methods: readonly MethodInfo[], name: string): MethodInfo {
  const found = methods.find((method) => method.name === name);
  if (found === undefined) throw unknownMethod(name);
  return found;
}

function methodInfo(entry: MethodDefinition): MethodInfo {
  const { folder, extension } = algorithmsFolder();
  const path = join(folder, entry.file.replace(/\.ts$/, extension));
  return {
    ...parseMethodHeader(readFileSync(path, "utf8"), entry.file),
    name: entry.name,
    file: entry.file,
    options: methodOptions(entry),
  };
}

function methodOptions(entry: MethodDefinition): MethodOption[] {
  const symbols = new Map(Object.entries(entry.symbols).map(([symbol, option]) => [option, symbol]));
  return Object.entries(entry.options.shape).map(([name, field]) => {
    const schema = field as z.ZodType;
    const absent = schema.safeParse(undefined);
    const symbol = symbols.get(name);
    return {
      name,
      symbol,
      required: !absent.success,
      defaultValue: absent.data,
      // The symbol has its own place.
      description: (schema.description ?? "").replace(` (${symbol})`, ""),
    };
  });
}

/** Test files beside the methods that name one, and batteries that they run; paths from the folder of the methods. */
export function methodTests(name: string): string[] {
  const { folder } = algorithmsFolder();
  const word = new RegExp(`(?<![\\w+-])${name.replaceAll("+", "\\+")}(?![\\w+-])`);
  const tests = readdirSync(folder).filter((file) => file.endsWith(".test.ts"));
  const batteries = readdirSync(join(folder, BATTERIES)).filter((file) => file.endsWith("-battery.ts"));
  const files = [...tests, ...batteries.map((file) => `${BATTERIES}/${file}`)];
  return files.filter((file) => word.test(readFileSync(join(folder, file), "utf8"))).sort();
}

/** Of cases of the conformance suite, by kind of method. */
const BATTERIES = "../conformance/testing";
