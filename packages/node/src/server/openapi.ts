import { VERSION } from "@anabranch/core";
import { contentHash, uploadAnswer } from "@anabranch/core/live";
import * as z from "zod";
import { runList, runStatus } from "./run-status.ts";
import { madeToken, tokenList, tokenRequest } from "./token-schemas.ts";

/** Whom a route is for. */
type Access = "all" | "client" | "reader" | "operator";

interface Route {
  readonly summary: string;
  readonly access: Access;
  readonly query?: Readonly<Record<string, z.ZodType>>;
  readonly body?: z.ZodType;
  /** Answer with status 200, where it has a schema. */
  readonly answer?: z.ZodType;
  /** Answer with status 201, where the route makes something. */
  readonly made?: z.ZodType;
  /** Other statuses, with what they mean. */
  readonly statuses?: Readonly<Record<number, string>>;
}

const count = z.int().min(0);
const run = "/api/runs/{run}";

/** The routes by path and method; `app.test.ts` compares them with those that the server has. */
export const documentedRoutes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  "/healthz": { get: { summary: "Whether the server runs", access: "all" } },
  "/metrics": { get: { summary: "Metrics for Prometheus", access: "reader" } },
  "/api/openapi.json": { get: { summary: "This document", access: "all" } },
  "/api/runs": {
    get: {
      summary: "The runs of this server; the name of a private one only for its operator, else empty",
      access: "all",
      answer: runList,
    },
  },
  [`${run}/socket`]: {
    get: { summary: "Control connection (WebSocket, JSON messages)", access: "all", statuses: { 101: "Connected" } },
  },
  [`${run}/blobs/{hash}`]: {
    get: {
      summary: "Bytes by their SHA-256, whole or one range of them",
      access: "client",
      statuses: { 206: "The range", 304: "Not changed", 416: "The blob is shorter" },
    },
  },
  [`${run}/orders/{order}`]: {
    get: {
      summary: "Where an upload continues; ROUND.CLIENT.VISIT for an update, ROUND.CLIENT.HASH for a message",
      access: "client",
      query: { total: count, hash: contentHash },
      answer: z.union([z.strictObject({ offset: count }), uploadAnswer]),
    },
    put: {
      summary: "Send an update or a message of secure aggregation, or the rest of it",
      access: "client",
      query: { offset: count, total: count, hash: contentHash },
      answer: uploadAnswer,
      statuses: { 308: "More bytes are wanted, from the offset in the answer", 422: "Other bytes", 507: "Disk full" },
    },
  },
  [`${run}/status`]: { get: { summary: "State of the run and of its clients", access: "reader", answer: runStatus } },
  [`${run}/events`]: {
    get: {
      summary: "Events of the run, past and to come (server-sent events)",
      access: "reader",
      query: { after: count },
    },
  },
  [`${run}/demo-data`]: {
    get: { summary: "The data set of which browser clients get shares, in a trial", access: "all" },
  },
  [`${run}/demo-data/{file}`]: { get: { summary: "A file of that data set", access: "all" } },
  [`${run}/pause`]: { post: { summary: "Give out no further work", access: "operator", answer: runStatus } },
  [`${run}/resume`]: { post: { summary: "Continue after a pause", access: "operator", answer: runStatus } },
  [`${run}/stop`]: { post: { summary: "Finish the round, save and stop", access: "operator", answer: runStatus } },
  [`${run}/clients/{client}/eject`]: { post: { summary: "Exclude a client", access: "operator" } },
  [`${run}/clients/{client}/readmit`]: { post: { summary: "Let a client in again", access: "operator" } },
  [`${run}/tokens`]: {
    get: {
      summary: "The join tokens by their SHA-256, with the clients that joined with each",
      access: "operator",
      answer: tokenList,
    },
    post: { summary: "Make a join token", access: "operator", body: tokenRequest, made: madeToken },
  },
  [`${run}/tokens/{hash}`]: { delete: { summary: "Revoke a join token by its SHA-256", access: "operator" } },
};

const error = z.object({ code: z.string(), message: z.string(), advice: z.string().optional() });

/** The routes as an OpenAPI 3.1 document. */
export function openApi(): object {
  const paths = Object.entries(documentedRoutes).map(([path, methods]) => [
    path,
    Object.fromEntries(Object.entries(methods).map(([method, route]) => [method, operation(path, route)])),
  ]);
  return {
    openapi: "3.1.0",
    info: { title: "Anabranch server", version: VERSION },
    paths: Object.fromEntries(paths),
    components: { securitySchemes: { client: bearer, operator: bearer, reader: bearer } },
  };
}

const bearer = { type: "http", scheme: "bearer" };

function operation(path: string, { summary, access, query = {}, body, answer, made, statuses = {} }: Route) {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: "path", required: true },
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(query).map(([name, schema]) => ({
    name,
    in: "query",
    schema: z.toJSONSchema(schema),
  }));
  const others = Object.entries(statuses).map(([status, description]) => [status, { description }]);
  return {
    summary,
    ...(access === "all" ? {} : { security: [{ [access]: [] }] }),
    parameters: [...inPath, ...inQuery],
    ...(body === undefined ? {} : { requestBody: { content: json(body) } }),
    responses: {
      ...(made === undefined
        ? { 200: { description: "Done", ...(answer === undefined ? {} : { content: json(answer) }) } }
        : { 201: { description: "Made", content: json(made) } }),
      ...Object.fromEntries(others),
      default: { description: "Refused", content: json(error) },
    },
  };
}

function json(schema: z.ZodType) {
  return { "application/json": { schema: z.toJSONSchema(schema) } };
}
