import {
  ANY_VALUE,
  AnabranchError,
  type Config,
  optionReferences,
  optionUse,
  type PartitionerName,
  partitioners,
  references,
  usesOfSystem,
} from "@anabranch/core";
import { type BibtexEntry, bibtexEntry } from "./bibtex.ts";
import { type Citation, parseCitations } from "./citation.ts";
import { type MethodInfo, methodCatalog, methodNamed } from "./method-catalog.ts";

/** A key of a configuration with its value, and what of it a paper is for. */
export interface Use {
  readonly key: string;
  /** Undefined where any value turns the part on. */
  readonly value: unknown;
  readonly note: string | undefined;
}

/** A paper with its entry and all that it is cited for. */
export interface CitedPaper {
  readonly citation: Citation;
  readonly entry: BibtexEntry;
  readonly uses: readonly Use[];
}

export interface Cited {
  readonly papers: readonly CitedPaper[];
  /** Keys of data, models and methods without a known paper that only the operator can cite. */
  readonly own: readonly string[];
}

interface Part {
  readonly key: string;
  readonly value: unknown;
  readonly citations: readonly Citation[];
}

/**
 * The papers that a configuration rests on: of its method, local optimizer, data set, partition, model and schedule, and of
 * the options that it sets, in this order, each once.
 *
 * @throws `algorithm/unknown`
 */
export function citedByConfig(config: Config): Cited {
  const { algorithm, data, model, training } = config;
  const own: string[] = [];
  const parts: Part[] = [];
  if (algorithm.file === undefined) parts.push(...methodParts(methodNamed(methodCatalog(), algorithm.name), algorithm));
  else own.push("algorithm.file");
  if (data.file !== undefined) own.push("data.file");
  else if (data.dataset !== "synthetic") {
    const part = namedPart("data.dataset", data.dataset);
    if (part.citations.length === 0) own.push("data.dataset");
    parts.push(part);
  }
  if (data.file !== undefined || data.dataset !== "synthetic") parts.push(...partitionParts(data.partition));
  if (model.file === undefined) parts.push(namedPart("model.name", model.name));
  else own.push("model.file");
  parts.push(namedPart("training.schedule", training.schedule));
  parts.push(...optionParts(config));
  return { papers: together(parts), own };
}

/** The papers of a method with its default options. */
export function citedByMethod(method: MethodInfo): Cited {
  return { papers: together(methodParts(method, {})), own: [] };
}

/** The papers behind options that are a system of this name, such as MoS; none where no option is. */
export function citedBySystem(name: string): Cited {
  const uses = new Set(usesOfSystem(name));
  const parts = Object.entries(optionReferences).flatMap(([key, papers]) =>
    Object.entries(papers)
      .filter(([value]) => uses.has(optionUse(key, value)))
      .map(([value, texts]) => {
        return { key, value: value === ANY_VALUE ? undefined : value, citations: citationsOf(key, texts) };
      }),
  );
  return { papers: together(parts), own: [] };
}

/** The papers that `references` names for a value of a key; none where it does not know the value. */
export function referencesOf(key: string, value: unknown): readonly Citation[] {
  return citationsOf(key, new Map(Object.entries(references[key] ?? {})).get(String(value)));
}

function citationsOf(key: string, texts: readonly string[] = []): readonly Citation[] {
  return texts.flatMap((text) => parseCitations(text, (problem) => badReference(key, text, problem)));
}

/** Options that work beside any method and are on. */
function optionParts(config: Config): Part[] {
  return Object.entries(optionReferences).flatMap(([key, papers]) => {
    const given = valueAt(config, key);
    if (!isOn(given) || (key === "adapters.rule" && !hasFactors(config))) return [];
    // operators stand in lists, each with its options after its name
    const values = Array.isArray(given) ? given.map((one) => String(one).split(" ")[0]!) : [given];
    const known = new Map(Object.entries(papers));
    return values.map((value) => {
      return { key, value, citations: citationsOf(key, known.get(String(value)) ?? known.get(ANY_VALUE)) };
    });
  });
}

/** Whether there is something that rules for adapters combine. */
function hasFactors({ adapters: { rank, shards } }: Config): boolean {
  return rank !== undefined || shards !== undefined;
}

function isOn(value: unknown): boolean {
  return value !== undefined && value !== 0 && value !== false && value !== "none";
}

function valueAt(config: object, key: string): unknown {
  return key.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], config);
}

function methodParts(method: MethodInfo, options: Readonly<Record<string, unknown>>): Part[] {
  const citations = [method.citation, ...method.furtherCitations];
  const parts: Part[] = [{ key: "algorithm.name", value: method.name, citations }];
  const option = method.options.find(({ name }) => name === "optimizer");
  if (option !== undefined) parts.push(namedPart("algorithm.optimizer", options["optimizer"] ?? option.defaultValue));
  return parts;
}

/** The scheme, and how it draws label shares where it does. */
function partitionParts({ scheme, ...given }: Config["data"]["partition"]): Part[] {
  const options = partitioners[scheme as PartitionerName].options.parse(given) as Readonly<Record<string, unknown>>;
  const isDealt = scheme !== "long-tail" || options["alpha"] !== undefined;
  const recipe = (isDealt && options["recipe"]) || "";
  return [namedPart("data.partition.scheme", scheme), namedPart("data.partition.recipe", recipe)];
}

function namedPart(key: string, value: unknown): Part {
  return { key, value, citations: referencesOf(key, value) };
}

/** Each paper once, with all its uses; different papers never share a key. */
function together(parts: readonly Part[]): CitedPaper[] {
  const found = new Map<string, { citation: Citation; uses: Use[] }>();
  for (const { key, value, citations } of parts) {
    for (const citation of citations) {
      const identity = citation.arxiv ?? citation.doi ?? citation.title;
      const paper = found.get(identity) ?? { citation, uses: [] };
      paper.uses.push({ key, value, note: citation.note });
      found.set(identity, paper);
    }
  }
  const keys = new Map<string, number>();
  return [...found.values()].map(({ citation, uses }) => {
    const entry = bibtexEntry(citation);
    const before = keys.get(entry.key) ?? 0;
    keys.set(entry.key, before + 1);
    const suffix = before === 0 ? "" : String.fromCharCode("a".charCodeAt(0) + before);
    return { citation, uses, entry: { ...entry, key: entry.key + suffix } };
  });
}

function badReference(key: string, text: string, problem: string): AnabranchError {
  return new AnabranchError({
    code: "method/reference",
    message: "a reference cannot be read",
    where: key,
    received: `${text}: ${problem}`,
    expected: 'authors, "title", venue and year, arXiv:number',
  });
}
