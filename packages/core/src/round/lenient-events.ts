import * as z from "zod";
import { type EventOf, type RunEvent, type RunEventType, runEventSchemas } from "./events.ts";

/**
 * An event as people look at it. Reports and lists must open for a run that was cut off, that diverged, or that another
 * version wrote: numbers that are missing or were not finite are NaN, missing texts are empty.
 */
export type LenientEvent = Lenient<RunEvent>;
/** The lenient event of one type. */
export type LenientEventOf<T extends RunEventType> = Lenient<EventOf<T>>;

type Lenient<E> = E extends RunEvent
  ? { readonly [Key in keyof Omit<E, "v">]: Key extends "type" ? E[Key] : LenientValue<E[Key]> }
  : never;
type LenientValue<T> = [T] extends [number | null]
  ? number
  : [T] extends [string]
    ? string
    : [T] extends [readonly (number | null)[]]
      ? readonly number[]
      : T;

/** What an event is worth nothing without. */
const INDISPENSABLE = new Set(["type", "round"]);

/** One schema for each type: to try all of them on every event takes several times as long. */
const lenientEvents = new Map(
  runEventSchemas.map((schema) => [
    schema.shape.type.value as string,
    lenientObject((schema as z.ZodObject).omit({ v: true })),
  ]),
);

/**
 * Reads one event; undefined for types this version does not know. Unknown fields are dropped.
 *
 * @example
 * ```ts
 * import { readEventLeniently, stampEvent } from "@anabranch/core";
 * const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
 * readEventLeniently(event)!.type; // => "run.warning"
 * readEventLeniently({ type: "of a later version" }); // => undefined
 * ```
 */
export function readEventLeniently(value: unknown): LenientEvent | undefined {
  if (typeof value !== "object" || value === null || !("type" in value) || typeof value.type !== "string") return;
  return lenientEvents.get(value.type)?.safeParse(value).data as LenientEvent | undefined;
}

function lenientObject(schema: z.ZodObject): z.ZodObject {
  return z.object(
    Object.fromEntries(
      Object.entries(schema.shape).map(([key, field]) => [
        key,
        INDISPENSABLE.has(key) ? field : lenientField(field as z.ZodType),
      ]),
    ),
  );
}

/** The same field with a value for whatever does not fit. */
function lenientField(field: z.ZodType): z.ZodType {
  if (field instanceof z.ZodOptional) return field.catch(undefined);
  if (field instanceof z.ZodArray) return z.array(lenientField(field.element as z.ZodType)).catch([]);
  if (field instanceof z.ZodObject) {
    const inner = lenientObject(field);
    return inner.catch(() => inner.parse({}));
  }
  switch (field.def.type) {
    case "boolean":
      return z.boolean().catch(false);
    case "number":
    case "custom":
      return z.number().catch(Number.NaN);
    default:
      return z.string().catch("");
  }
}
