import type { Layout } from "../params/layout.ts";
import type { InvalidUpdate, Stage, Update } from "../protocol/index.ts";
import { layoutsOfPart, type Uploads } from "./settings.ts";

/**
 * Checks what arrived as a message: another model's layout, another part of the payloads than the client was given, a
 * vector that is missing, has another length or was not asked for, an impossible weight. Structure is checked once, here.
 *
 * @param lengths elements of each vector as it travels, by part; undefined for one whose encoding decides
 * @param compressed vectors that travel as payloads
 */
export function messageStage(
  { layoutHash }: Pick<Uploads, "layoutHash">,
  lengths: (part: number | undefined) => Readonly<Record<string, number | undefined>>,
  compressed: readonly string[] = [],
): Stage {
  const known = new Map<number | undefined, Lengths>();
  const lengthsOf = (part: number | undefined): Lengths => {
    const found = known.get(part) ?? Object.entries(lengths(part));
    known.set(part, found);
    return found;
  };
  return {
    name: "message",
    receive(update, { part }) {
      return (
        otherModel(update, layoutHash) ??
        otherPart(update, part) ??
        misshapen(update, lengthsOf(part)) ??
        otherPayloads(update, compressed) ??
        update
      );
    },
  };
}

type Lengths = readonly (readonly [vector: string, length: number | undefined])[];

/** Lengths of vectors that travel as they were trained; undefined for those with a codec. */
export function plainLengths(
  uploads: Uploads,
  added: Readonly<Record<string, Layout>>,
  compressed: readonly string[] = [],
) {
  return (part: number | undefined): Readonly<Record<string, number | undefined>> => {
    const layouts = { ...layoutsOfPart(uploads, part), ...added };
    return Object.fromEntries(
      Object.entries(layouts)
        .filter(([name]) => !compressed.includes(name))
        .map(([name, { size }]) => [name, name in uploads.codecs ? undefined : size]),
    );
  };
}

function otherPayloads({ encoded = {} }: Update, compressed: readonly string[]): InvalidUpdate | undefined {
  const names = Object.keys(encoded);
  if (names.length === compressed.length && compressed.every((name) => Object.hasOwn(encoded, name))) return undefined;
  const received = names.length === 0 ? "none" : names.join(", ").slice(0, 100);
  const expected = compressed.length === 0 ? "none" : compressed.join(", ");
  return { code: "update/vector", message: `the update has compressed vectors ${received}, expected ${expected}` };
}

function otherModel({ layoutHash }: Update, expected: string): InvalidUpdate | undefined {
  if (layoutHash === expected) return undefined;
  const message = `the update belongs to another model: layout ${layoutHash}, expected ${expected}`;
  return { code: "update/layout", message };
}

function otherPart({ public: { part } }: Update, given: number | undefined): InvalidUpdate | undefined {
  if (part === given) return undefined;
  const message = `the update holds part ${part ?? "none"} of the vectors, its client was given ${given ?? "none"}`;
  return { code: "update/part", message };
}

function misshapen({ vectors, public: { weight } }: Update, lengths: Lengths): InvalidUpdate | undefined {
  for (const [name, expected] of lengths) {
    const length = vectors[name]?.length;
    if (length !== undefined && (expected === undefined || length === expected)) continue;
    const received = length === undefined ? "none" : `${length} elements`;
    const message = `the vector "${name}" has ${expected ?? "some"} elements; received ${received}`;
    return { code: "update/shape", message };
  }
  const extra = Object.keys(vectors).find((name) => lengths.every(([known]) => known !== name));
  if (extra !== undefined)
    return { code: "update/vector", message: `the run has no vector "${extra.slice(0, 100)}" in updates` };
  if (weight >= 0 && weight < Number.POSITIVE_INFINITY) return undefined;
  return { code: "update/weight", message: `the weight of an update is a finite number of at least 0, not ${weight}` };
}
