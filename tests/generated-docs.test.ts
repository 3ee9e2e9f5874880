import { existsSync } from "node:fs";
import { join } from "node:path";
import { renderEvent } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { exampleEvents } from "../packages/node/src/store/example-events.ts";
import { errorSites } from "../scripts/docs/error-codes.ts";
import { errorEntries, UNKNOWN_CAUSE } from "../scripts/docs/errors-page.ts";
import { COMMAND, generatedPages } from "../scripts/docs/generate.ts";
import { readText, root } from "./source-files.ts";

const pages = Object.entries(await generatedPages());

describe("a generated page", () => {
  it.each(pages)("%s is what the sources give", (path, text) => {
    const found = existsSync(join(root, path)) ? readText(path) : "";
    expect(found === text ? "" : `${path} is stale. Run: ${COMMAND}`).toBe("");
  });
});

describe("the exports of the packages", () => {
  it("all have an example in their doc comments", () => {
    const entries = JSON.parse(readText("tests/api-examples/uncovered.json")) as Record<
      string,
      { withoutExample: string[] }
    >;
    expect(Object.values(entries).flatMap(({ withoutExample }) => withoutExample)).toEqual([]);
  });
});

describe("the JSON Schema of events", () => {
  const schema = z.fromJSONSchema(JSON.parse(readText("docs/events.schema.json")));

  it("accepts the events of a run, with fields of later versions", () => {
    const run = exampleEvents({ rounds: 4 });
    expect(run.length).toBeGreaterThan(5);
    for (const event of run) {
      const line = JSON.parse(renderEvent(event)) as object;
      expect(schema.safeParse({ ...line, later: true }).error).toBeUndefined();
    }
  });

  it("refuses a line without its round", () => {
    const { round, ...rest } = exampleEvents({ rounds: 1 }).find(({ type }) => type === "round.finished") as {
      round: number;
    };
    expect(schema.safeParse(rest).success).toBe(false);
  });
});

describe("the page of errors", () => {
  const entries = errorEntries();
  const codes = new Set(entries.map(({ code }) => code));

  it("resolves every code that the sources make, literal or from a template", () => {
    expect(errorSites().unresolved).toEqual([]);
    expect(codes.size).toBeGreaterThan(400);
  });

  it("has a cause and a next step for every code", () => {
    expect(entries.filter(({ causes, next }) => causes.length === 0 || next === "")).toEqual([]);
    const open = entries.filter(({ causes }) => causes.includes(UNKNOWN_CAUSE)).map(({ code }) => code);
    expect(open.length, `add a cause to scripts/docs/error-notes.ts: ${open}`).toBeLessThan(10);
  });

  it("has the codes that doc comments announce and that tests expect", () => {
    const known = (text: string) => [...text.matchAll(/@throws `([a-z-]+\/[a-z-]+)`/g)].map(([, code]) => code!);
    const announced = [...new Set(errorSites().sites.map(({ place }) => place.split(":")[0]!))];
    const missing = announced.flatMap((path) => known(readText(path)).filter((code) => !codes.has(code)));
    expect(missing).toEqual([]);
  });
});
