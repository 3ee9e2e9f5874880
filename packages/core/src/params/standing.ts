/** Which parameters travel: shared ones do; personal ones stay with each client, frozen ones keep their initial values. */
import { AnabranchError } from "@anabranch/engine";
import { nearest } from "../text/nearest.ts";
import { entryView, type Layout, type LayoutEntry, subLayout } from "./layout.ts";
import { type Vector, zerosLike } from "./vector.ts";

/** What becomes of a parameter in a federation. */
export type Standing = "shared" | "personal" | "frozen";

/**
 * Selectors of parameters, read in order: a role ("head", "normalization", "statistics", "bias"), the name of a layer or of a parameter, or
 * a pattern of such a name with `*`. One that starts with `!` takes back what earlier ones have selected.
 */
export type Selectors = readonly string[];

/** The parameters of a model by their standing. Every entry of `whole` is in one of the other three. */
export interface ParameterSplit {
  readonly whole: Layout;
  readonly shared: Layout;
  readonly personal: Layout;
  readonly frozen: Layout;
}

/** Values of the parameters that do not travel, at the start of a run. */
export interface HeldParameters {
  readonly split: ParameterSplit;
  /** Of length split.personal.size: what a client begins with at its first visit. */
  readonly personal: Vector;
  /** Of length split.frozen.size. */
  readonly frozen: Vector;
}

/**
 * Divides a model's parameters by their standing; what no selector names is shared.
 *
 * @throws `parameters/unknown` for a selector that fits nothing, `parameters/twice` for a parameter that is to be both,
 *   `parameters/none-shared` where nothing is left to learn together
 * @example
 * ```ts
 * import { layout, mlp, splitParameters } from "@anabranch/core";
 * const model = layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters);
 * const { shared, personal } = splitParameters(model, { personal: ["head"] });
 * personal.entries.map(({ name }) => name); // => ["dense2.bias", "dense2.weight"]
 * shared.size; // => 40
 * ```
 */
export function splitParameters(
  whole: Layout,
  selectors: { readonly personal?: Selectors; readonly frozen?: Selectors },
): ParameterSplit {
  const personal = selectEntries(whole, selectors.personal ?? [], "parameters.personal");
  const frozen = selectEntries(whole, selectors.frozen ?? [], "parameters.frozen");
  const both = whole.entries.find(({ name }) => personal.has(name) && frozen.has(name));
  if (both !== undefined) throw twice(both.name);
  const shared = subLayout(whole, ({ name }) => !personal.has(name) && !frozen.has(name));
  if (shared.size === 0) throw noneShared(whole, personal, frozen);
  return {
    whole,
    shared,
    personal: subLayout(whole, ({ name }) => personal.has(name)),
    frozen: subLayout(whole, ({ name }) => frozen.has(name)),
  };
}

/** Names of the selected entries. Throws `parameters/unknown`. */
export function selectEntries(whole: Layout, selectors: Selectors, where: string): Set<string> {
  const names = new Set<string>();
  for (const selector of selectors) {
    const takesBack = selector.startsWith("!");
    const fits = matcher(takesBack ? selector.slice(1) : selector);
    const matched = whole.entries.filter(fits);
    if (matched.length === 0) throw unknown(whole, selector, where);
    for (const { name } of matched) {
      if (takesBack) names.delete(name);
      else names.add(name);
    }
  }
  return names;
}

function matcher(selector: string): (entry: LayoutEntry) => boolean {
  return ({ name, block, role }) =>
    role === selector ||
    block === selector ||
    (selector === "bias" && (name === "bias" || name.endsWith(".bias"))) ||
    fitsPattern(name, selector) ||
    fitsPattern(block, selector);
}

/** Whether a text is a pattern's, where `*` stands for any characters. Takes name x pattern steps at most. */
function fitsPattern(text: string, pattern: string): boolean {
  let [at, next, star, resumed] = [0, 0, -1, 0];
  while (at < text.length) {
    if (pattern[next] === "*") {
      star = next++;
      resumed = at;
    } else if (next < pattern.length && pattern[next] === text[at]) {
      at++;
      next++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resumed;
    } else return false;
  }
  while (pattern[next] === "*") next++;
  return next === pattern.length;
}

/**
 * The vector of a whole model, [whole.size], from its shared parameters; personal and frozen ones are those at the start of
 * the run, unless a client's own are given.
 *
 * @example
 * ```ts
 * import { joinParameters, layout, logistic, splitParameters } from "@anabranch/core";
 * const model = layout(logistic({ input: [1], classes: 2 }).parameters); // linear.bias [2], linear.weight [1, 2]
 * const split = splitParameters(model, { personal: ["linear.bias"] });
 * const held = { split, personal: Float32Array.of(1, 2), frozen: new Float32Array(0) };
 * joinParameters(held, Float32Array.of(3, 4)); // => [1, 2, 3, 4]
 * ```
 */
export function joinParameters(
  { split, personal, frozen }: HeldParameters,
  shared: Vector,
  own: Vector = personal,
): Vector {
  const whole = zerosLike(shared, split.whole.size);
  const places = new Map(split.whole.entries.map((entry) => [entry.name, entry]));
  const put = (layout: Layout, values: Vector) => {
    for (const entry of layout.entries) entryView(whole, places.get(entry.name)!).set(entryView(values, entry));
  };
  put(split.shared, shared);
  put(split.personal, own);
  put(split.frozen, frozen);
  return whole;
}

/**
 * Some of a model's parameters, [part.size], from the vector of all of them.
 *
 * @example
 * ```ts
 * import { layout, logistic, partOf, subLayout } from "@anabranch/core";
 * const whole = layout(logistic({ input: [1], classes: 2 }).parameters); // linear.bias [2], linear.weight [1, 2]
 * const weights = subLayout(whole, ({ name }) => name === "linear.weight");
 * partOf(whole, Float32Array.of(1, 2, 3, 4), weights); // => [3, 4]
 * ```
 */
export function partOf(whole: Layout, values: Vector, part: Layout): Vector {
  const taken = zerosLike(values, part.size);
  const places = new Map(whole.entries.map((entry) => [entry.name, entry]));
  for (const entry of part.entries) entryView(taken, entry).set(entryView(values, places.get(entry.name)!));
  return taken;
}

/**
 * What does not travel, from the values of a whole model; undefined where all does.
 *
 * @example
 * ```ts
 * import { heldOf, layout, logistic, splitParameters } from "@anabranch/core";
 * const model = layout(logistic({ input: [1], classes: 2 }).parameters); // linear.bias [2], linear.weight [1, 2]
 * const split = splitParameters(model, { frozen: ["linear.bias"] });
 * heldOf(split, Float32Array.of(1, 2, 3, 4))!.frozen; // => [1, 2]
 * ```
 */
export function heldOf(split: ParameterSplit, values: Vector): HeldParameters | undefined {
  const { whole, shared, personal, frozen } = split;
  if (shared.size === whole.size) return undefined;
  return { split, personal: partOf(whole, values, personal), frozen: partOf(whole, values, frozen) };
}

function unknown({ entries, blocks }: Layout, selector: string, where: string): AnabranchError {
  const roles = ["head", "normalization", "statistics"].filter((role) => entries.some((entry) => entry.role === role));
  const near = nearest(selector.replace(/^!/, ""), [...roles, ...blocks, ...entries.map(({ name }) => name)]);
  return new AnabranchError({
    code: "parameters/unknown",
    message: "the model has no such parameters",
    where,
    received: JSON.stringify(selector),
    expected: `${[...roles.map((role) => `"${role}"`), ...blocks].slice(0, 40).join(", ")}, a parameter such as ${entries[0]!.name}, or a pattern such as *.bias`,
    ...(near === undefined ? {} : { advice: `Did you mean "${near}"?` }),
  });
}

function twice(name: string): AnabranchError {
  return new AnabranchError({
    code: "parameters/twice",
    message: "a parameter cannot be personal and frozen",
    where: "parameters.personal and parameters.frozen",
    received: `${name} in both`,
    expected: "one of them",
    advice: `Take it back from one of the lists with "!${name}".`,
  });
}

function noneShared(whole: Layout, personal: ReadonlySet<string>, frozen: ReadonlySet<string>): AnabranchError {
  const advice =
    frozen.size === 0
      ? 'Clients that share nothing are a baseline: set baseline = "local-only" and leave parameters.personal out.'
      : "Leave at least one parameter out of parameters.personal and parameters.frozen.";
  const values = (names: ReadonlySet<string>) => subLayout(whole, ({ name }) => names.has(name)).size;
  return new AnabranchError({
    code: "parameters/none-shared",
    message: "no parameter is left for clients to learn together",
    where: "parameters",
    received: `${values(personal)} personal and ${values(frozen)} frozen values of ${whole.size}`,
    expected: "at least one shared parameter",
    advice,
  });
}
