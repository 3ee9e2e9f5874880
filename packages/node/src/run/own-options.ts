import { AnabranchError, nearest } from "@anabranch/core";

type Options = Readonly<Record<string, unknown>>;

/** The options of an own file as its factory gets them. */
export interface OwnOptions {
  readonly values: Options;
  /** Throws `local/unknown-option` for an option that was given and not read. */
  requireUsed(): void;
}

/**
 * Options of an own model. Where the file exports `options`, they are checked against it: an object of names with defaults,
 * or a schema with `safeParse`, such as zod's `z.strictObject`. Where it does not, it is recorded which ones the file's
 * code reads.
 *
 * @throws `local/unknown-option`, `local/missing-option`, `local/option`, `local/export` for a declaration that is neither
 */
export function ownOptions(file: string, given: Options, declared: unknown): OwnOptions {
  if (declared === undefined) return recordedOptions(file, given);
  const refuse = (key: string, code: string, message: string, expected: string, advice?: string): never => {
    const received = Object.hasOwn(given, key) ? { received: JSON.stringify(given[key]) } : {};
    const where = `model.${key}, ${file}`;
    throw new AnabranchError({
      code: `local/${code}`,
      message,
      where,
      ...received,
      expected,
      ...(advice && { advice }),
    });
  };
  const unknown = (key: string, known: readonly string[]) =>
    refuse(key, "unknown-option", "the own file has no such option", listOf(known), suggestion(key, known));
  if (isSchema(declared)) {
    const result = declared.safeParse(given);
    if (result.success) return { values: result.data as Options, requireUsed: () => {} };
    const issue = result.error?.issues?.[0];
    if (issue?.keys?.[0] !== undefined) unknown(issue.keys[0], Object.keys(declared.shape ?? {}));
    const key = String(issue?.path?.[0] ?? "");
    const expected = issue?.message ?? "what the schema of the file takes";
    return Object.hasOwn(given, key)
      ? refuse(key, "option", "an option of an own file is not allowed", expected)
      : refuse(key, "missing-option", "missing required option", expected);
  }
  if (!isRecord(declared)) {
    throw new AnabranchError({
      code: "local/export",
      message: "the options that an own file declares are something else",
      where: file,
      received: typeof declared,
      expected: "export const options = { name: default, ... }, or a schema with safeParse",
    });
  }
  const known = Object.keys(declared);
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(declared, key)) unknown(key, known);
    const wanted = kindOf(declared[key]);
    if (kindOf(value) !== wanted) refuse(key, "option", "an option of an own file is not allowed", `a ${wanted}`);
  }
  return { values: { ...declared, ...given }, requireUsed: () => {} };
}

function recordedOptions(file: string, given: Options): OwnOptions {
  const read = new Set<string>();
  const values = new Proxy(
    { ...given },
    {
      get(target, key, receiver) {
        if (typeof key === "string") read.add(key);
        return Reflect.get(target, key, receiver);
      },
    },
  );
  return {
    values,
    requireUsed() {
      const unused = Object.keys(given).find((key) => !read.has(key));
      if (unused === undefined) return;
      const known = [...read].filter((key) => key !== "toJSON");
      throw new AnabranchError({
        code: "local/unknown-option",
        message: "the own file does not read this option",
        where: `model.${unused}, ${file}`,
        received: JSON.stringify(given[unused]),
        expected: listOf(known),
        advice:
          suggestion(unused, known) ??
          "Options that are read later must be declared: export const options = { NAME: DEFAULT }.",
      });
    },
  };
}

function suggestion(key: string, known: readonly string[]): string | undefined {
  const near = nearest(key, known);
  return near === undefined ? undefined : `Did you mean "${near}"?`;
}

function listOf(known: readonly string[]): string {
  return known.length === 0 ? "no options" : `one of ${known.join(", ")}`;
}

/** A schema as zod makes them, as far as it is used. */
interface Schema {
  readonly shape?: object;
  safeParse(value: unknown): {
    readonly success: boolean;
    readonly data?: unknown;
    readonly error?: {
      readonly issues?: readonly { keys?: readonly string[]; path?: readonly unknown[]; message?: string }[];
    };
  };
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && "safeParse" in value && typeof value.safeParse === "function";
}

function isRecord(value: unknown): value is Options {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "list" : typeof value;
}
