import { AnabranchError, formatShape, type Tensor } from "@anabranch/engine";
import { nearest } from "../text/nearest.ts";

/** Where an own model or method comes from, and how errors in its code are reported. */
export interface Origin {
  /** The file, for errors. */
  readonly file: string;
  /** The error to throw for one that was thrown in `part`, e.g. "update(...)", of the file's code. */
  faultOf(error: unknown, part: string): unknown;
  /** Called once the part has been built and traced; throws where options were not used. */
  requireUsedOptions?(): void;
}

/** The names that a record must have, and those that it may have. */
export interface Names {
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  /** What declares them, e.g. "server". */
  readonly source: string;
}

/** What a method or an own model has to keep to, with errors that name the part of it. */
export class Contract {
  readonly #area: "method" | "model";
  readonly #owner: string | undefined;
  readonly #origin: Origin | undefined;

  /** @param owner the file or the name, for errors; without one they name the part alone, and `attempt` adds the owner */
  constructor(area: "method" | "model", owner?: string, origin?: Origin) {
    this.#area = area;
    this.#owner = origin?.file ?? owner;
    this.#origin = origin;
  }

  /** Calls code of the method or model. */
  attempt<T>(part: string, call: () => T): T {
    try {
      return call();
    } catch (error) {
      const owned = this.#owned(error);
      throw this.#origin === undefined ? owned : this.#origin.faultOf(owned, part);
    }
  }

  /** @param part e.g. "upload.delta" */
  breach(reason: string, message: string, part: string, received: string, expected: string, advice?: string) {
    return new AnabranchError({
      code: `${this.#area}/${reason}`,
      message,
      where: this.#place(part),
      received,
      expected,
      ...(advice === undefined ? {} : { advice }),
    });
  }

  /** The value as a record with these names. */
  names(
    reason: string,
    message: string,
    part: string,
    value: unknown,
    names: Names,
  ): Readonly<Record<string, unknown>> {
    const { required, optional = [], source } = names;
    const known = [...required, ...optional];
    const expected = `${known.join(", ") || "no names"}, as in ${source}`;
    if (!isRecord(value)) throw this.breach(reason, message, part, describe(value), `an object with ${expected}`);
    const given = Object.keys(value);
    const missing = required.filter((name) => !given.includes(name));
    const unknown = given.filter((name) => !known.includes(name));
    if (missing.length === 0 && unknown.length === 0) return value;
    const near = unknown[0] === undefined ? undefined : nearest(unknown[0], missing.length > 0 ? missing : known);
    const advice =
      near !== undefined
        ? `Did you mean "${near}" instead of "${unknown[0]}"?`
        : missing.length > 0
          ? `"${missing[0]}" is missing.`
          : `"${unknown[0]}" is not in ${source}.`;
    throw this.breach(reason, message, part, given.join(", ") || "an empty object", expected, advice);
  }

  /** The value as a function. */
  callable(reason: string, part: string, value: unknown): void {
    if (typeof value === "function") return;
    throw this.breach(reason, "a function is missing", part, describe(value), "a function");
  }

  /** One of a closed list of words. */
  word(reason: string, part: string, value: unknown, words: readonly string[]): void {
    if (typeof value === "string" && words.includes(value)) return;
    const text = typeof value === "string" ? JSON.stringify(value) : describe(value);
    const quoted = words.map((word) => JSON.stringify(word));
    throw this.breach(
      reason,
      `unknown ${part.slice(part.lastIndexOf(".") + 1)}`,
      part,
      text,
      `one of ${quoted.join(", ")}`,
      suggestion(value, words),
    );
  }

  /** A traced tensor, with these extents where they are given. */
  tensor(part: string, value: unknown, shape?: readonly number[]): Tensor {
    const wanted = `a traced float tensor${shape === undefined ? "" : ` of shape [${shape.join(", ")}]`}`;
    if (!isTensor(value)) {
      const advice = typeof value === "number" ? "Make one of a number with: constant(value)." : undefined;
      throw this.breach("tensor", "a traced tensor is missing", part, describe(value), wanted, advice);
    }
    const fits = shape === undefined || value.shape.join() === shape.join();
    if (fits && value.dtype === "float") return value;
    throw this.breach("shape", "a traced tensor has the wrong type or shape", part, describe(value), wanted);
  }

  #place(part: string): string {
    return this.#owner === undefined ? part : `${this.#owner}, ${part}`;
  }

  /** An error of this contract that names a part alone, with the owner. */
  #owned(error: unknown): unknown {
    if (!(error instanceof AnabranchError) || this.#owner === undefined) return error;
    const { where = "", ...failure } = error.failure;
    if (!error.code.startsWith(`${this.#area}/`) || where.startsWith(this.#owner)) return error;
    return new AnabranchError({ ...failure, where: this.#place(where) });
  }
}

/** A name that is near, or the names that hold the word. */
function suggestion(value: unknown, words: readonly string[]): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const near = nearest(value, words);
  const holding = words.filter((word) => word.toLowerCase().includes(value.toLowerCase()));
  const found = near === undefined ? holding : [near];
  return found.length === 0 ? undefined : `Did you mean ${found.map((word) => JSON.stringify(word)).join(" or ")}?`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Promise);
}

export function isTensor(value: unknown): value is Tensor {
  return isRecord(value) && "node" in value && "dtype" in value && Array.isArray(value["shape"]);
}

/** What a value is, in a few words. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (value instanceof Promise) return "a promise: the function must not be async";
  if (isTensor(value)) return `a tensor ${value.dtype}${formatShape(value.shape)}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${"length" in value ? value.length : "?"}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return `an object with ${Object.keys(value).join(", ") || "nothing in it"}`;
  return typeof value === "function" ? "a function" : `the ${typeof value} ${String(value)}`;
}
