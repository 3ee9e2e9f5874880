import { clientMessage, serverMessage, taskDescription } from "@anabranch/core/live";
import { describe, expect, it } from "vitest";
import { documentedRoutes } from "../packages/node/src/server/openapi.ts";
import { readText } from "./source-files.ts";

const page = readText("docs/protocol.md");

/** Rows of the first table of a section, as cells. */
function table(section: string): string[][] {
  const [, text = ""] = new RegExp(`^## ${section}$(.*?)(?=^## |$(?![\\s\\S]))`, "ms").exec(page) ?? [];
  const rows = text.match(/^\|.*\|$/gm) ?? [];
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const codes = (cell = "") => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);

/** Types of messages with their fields, as the page lists them and as the schema has them. */
const listed = (section: string) =>
  Object.fromEntries(table(section).map(([type, fields]) => [codes(type)[0], codes(fields).sort()]));
const fieldsOf = (options: readonly { readonly shape: object & { readonly type: { readonly value: string } } }[]) =>
  Object.fromEntries(options.map(({ shape: { type, ...fields } }) => [type.value, Object.keys(fields).sort()]));

describe("docs/protocol.md", () => {
  it("lists every message of a client and its fields", () => {
    expect(listed("Messages of the client")).toEqual(fieldsOf(clientMessage.options));
  });

  it("lists every message of the server and its fields", () => {
    expect(listed("Messages of the server")).toEqual(fieldsOf(serverMessage.options));
  });

  it("lists every field of the task description", () => {
    const fields = table("Task description").flatMap(([names]) => codes(names));
    expect(fields.sort()).toEqual(Object.keys(taskDescription.shape).sort());
  });

  it("lists every route and who may use it", () => {
    const rows = table("Routes").map(([route, access]) => [codes(route)[0], access]);
    const routes = Object.entries(documentedRoutes).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { access }]) => [`${method.toUpperCase()} ${path}`, access]),
    );
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(routes));
    expect(rows).toHaveLength(routes.length);
  });
});
