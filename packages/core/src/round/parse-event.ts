import { AnabranchError } from "@anabranch/engine";
import type * as z from "zod";
import { EVENT_VERSION, type RunEvent, runEventSchema } from "./events.ts";

/**
 * Reads one line of events.jsonl. Fields that this version does not know are dropped.
 * Throws `event/json`, `event/version` or `event/invalid`; `where` names the line in the message.
 *
 * @example
 * ```ts
 * import { parseEvent, renderEvent, stampEvent } from "@anabranch/core";
 * const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
 * parseEvent(renderEvent(event)).type; // => "run.warning"
 * ```
 */
export function parseEvent(line: string, where = "event"): RunEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new AnabranchError({
      code: "event/json",
      message: "the line is not JSON",
      where,
      received: JSON.stringify(line.slice(0, 60)),
      advice: "A run that was killed while it wrote leaves a cut last line, which can be ignored.",
      cause,
    });
  }
  const result = runEventSchema.safeParse(value);
  if (result.success) return result.data;
  throw refusal(value, result.error.issues[0]!, where);
}

function refusal(value: unknown, issue: z.core.$ZodIssue, where: string): AnabranchError {
  const version = typeof value === "object" && value !== null && "v" in value ? value.v : undefined;
  if (typeof version === "number" && version !== EVENT_VERSION) {
    return new AnabranchError({
      code: "event/version",
      message: "the event was written by another version",
      where,
      received: `v ${version}`,
      expected: `v ${EVENT_VERSION}`,
      advice: "Open the run with the version of Anabranch that wrote it.",
    });
  }
  return new AnabranchError({
    code: "event/invalid",
    message: "the line is not an event of a run",
    where,
    received: `${issue.path.join(".") || "event"}: ${issue.message}`,
  });
}
