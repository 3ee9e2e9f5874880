import { type Layout, type TaskPlan, uploads, type Vector, vectorOffsets } from "@anabranch/core";

type Offsets = Readonly<Record<string, number>>;

/** Shared memory through which one client task goes: the encoded update, the client's new state, its old state. */
export interface SlotLayout {
  readonly bytes: number;
  /** First byte of each vector of the update, where its encoding has it: for each part, or one for all that send everything. */
  readonly updates: readonly Offsets[];
  readonly newState: Offsets;
  /** Apart from the new state, so that a task can be tried again from the same start. */
  readonly oldState: Offsets;
}

/** The layout follows from the plan alone, so both sides know it. */
export function slotLayout(plan: TaskPlan): SlotLayout {
  const width = widthOf(plan);
  const parts = plan.parts === undefined ? [undefined] : [...plan.parts.keys()];
  const updates = parts.map((part) => updateOffsets(plan, part));
  const ends = parts.flatMap((part, i) =>
    Object.entries(uploads(plan, part)).map(([name, { size }]) => updates[i]![name]! + size * width),
  );
  let end = Math.max(0, ...ends);
  const place = (layouts: Readonly<Record<string, Layout>>): Offsets =>
    Object.fromEntries(
      Object.entries(layouts).map(([name, { size }]) => {
        const offset = Math.ceil(end / 8) * 8;
        end = offset + size * width;
        return [name, offset];
      }),
    );
  return { updates, newState: place(plan.state), oldState: place(plan.state), bytes: end };
}

function updateOffsets(plan: TaskPlan, part: number | undefined): Offsets {
  const sizes = Object.entries(uploads(plan, part));
  const vectors = Object.fromEntries(sizes.map(([name, { size }]) => [name, makeVector(plan, size)]));
  const numbers = { examples: 0, steps: 0, weight: 0, loss: 0, ...(part === undefined ? {} : { part }) };
  return vectorOffsets({ round: 0, client: 0, layoutHash: plan.layoutHash, vectors, public: numbers });
}

/** The vectors of a slot as views. */
export function slotVectors(
  plan: TaskPlan,
  slot: SharedArrayBuffer,
  offsets: Offsets,
  layouts: Readonly<Record<string, Layout>>,
): Record<string, Vector> {
  const buffer = slot as unknown as ArrayBuffer; // typed arrays over shared memory are typed apart
  const make = plan.float === "float64" ? Float64Array : Float32Array;
  return Object.fromEntries(
    Object.entries(offsets).map(([name, offset]) => [name, new make(buffer, offset, layouts[name]!.size)]),
  );
}

function makeVector(plan: TaskPlan, size: number): Vector {
  return plan.float === "float64" ? new Float64Array(size) : new Float32Array(size);
}

function widthOf(plan: TaskPlan): number {
  return plan.float === "float64" ? 8 : 4;
}
