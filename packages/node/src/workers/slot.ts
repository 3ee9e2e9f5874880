import {
  encodedSize,
  type Layout,
  largestUpdate,
  type TaskSpec,
  travelsAsTrained,
  type Vector,
  vectorOffsets,
} from "@anabranch/core/threads";

type Offsets = Readonly<Record<string, number>>;

/** Shared memory through which one client task goes: the encoded update, the client's new state, its old state. */
export interface SlotLayout {
  readonly bytes: number;
  /**
   * First byte of each vector of the update, where its encoding has it: for each part, or one for all that send
   * everything. None where the update is written after training: a codec decides how long a vector is, and so where those
   * after it lie, and whole numbers are made of what was trained.
   */
  readonly updates: readonly Offsets[];
  readonly newState: Offsets;
  /** What the client is given alone. */
  readonly own: Offsets;
  /** Apart from the new state, so that a task can be tried again from the same start. */
  readonly oldState: Offsets;
}

/** The layout follows from the task spec alone, so both sides know it. */
export function slotLayout(spec: TaskSpec): SlotLayout {
  const width = widthOf(spec);
  const parts = spec.parts === undefined ? [undefined] : [...spec.parts.keys()];
  const largest = parts.map((part) => largestUpdate(spec, part));
  const fixed = travelsAsTrained(spec);
  let end = Math.max(...largest.map(encodedSize));
  const place = (layouts: Readonly<Record<string, Layout>>): Offsets =>
    Object.fromEntries(
      Object.entries(layouts).map(([name, { size }]) => {
        const offset = Math.ceil(end / 8) * 8;
        end = offset + size * width;
        return [name, offset];
      }),
    );
  const updates = largest.map((update) => (fixed ? vectorOffsets(update) : {}));
  const states = { newState: place(spec.clientState), oldState: place(spec.clientState) };
  return { updates, ...states, own: place(spec.own ?? {}), bytes: end };
}

/** The vectors of a slot as views. */
export function slotVectors(
  spec: TaskSpec,
  slot: SharedArrayBuffer,
  offsets: Offsets,
  layouts: Readonly<Record<string, Layout>>,
): Record<string, Vector> {
  const buffer = slot as unknown as ArrayBuffer; // typed arrays over shared memory are typed apart
  const make = spec.float === "float64" ? Float64Array : Float32Array;
  return Object.fromEntries(
    Object.entries(offsets).map(([name, offset]) => [name, new make(buffer, offset, layouts[name]!.size)]),
  );
}

function widthOf(spec: TaskSpec): number {
  return spec.float === "float64" ? 8 : 4;
}
