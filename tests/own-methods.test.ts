import { join } from "node:path";
import { type Algorithm, type RunEvent, resolveConfig } from "@anabranch/core";
import { resumeRun, simulate, startRun } from "@anabranch/node";
import { describe, expect, it } from "vitest";
import { type Case, config, failure, file, folder, METHOD, type Replacement } from "./own-file-fixtures.ts";

/**
 * Mistakes in own methods: each is one error that names the file, the part of the contract and the nearest right name,
 * before the run begins.
 */
const methods: readonly Case[] = [
  [
    "an unknown upload",
    ["update: { delta:", "update: { delt:"],
    "method/upload",
    "client.end(...).update",
    /received delt; expected delta, as in payloads.*Did you mean "delta" instead of "delt"/,
  ],
  [
    "an upload that is missing",
    ["{ delta: combine(sub, y, local.broadcast.parameters) }", "{}"],
    "method/upload",
    "client.end(...).update",
    /"delta" is missing/,
  ],
  [
    "client state that is not declared",
    ["state: {} })", "state: { control: y } })"],
    "method/client-state",
    "client.end(...).state",
    /"control" is not in payloads\(\.\.\.\)\.clientState/,
  ],
  [
    "a mean that there is not",
    ['"uniformMean"', '"mean"'],
    "method/aggregation",
    "payloads(...).upload.delta.aggregation",
    /Did you mean "weightedMean" or "uniformMean"/,
  ],
  [
    "a misspelt mean",
    ['"uniformMean"', '"unformMean"'],
    "method/aggregation",
    "payloads(...).upload.delta.aggregation",
    /Did you mean "uniformMean"/,
  ],
  [
    "no mean",
    ['aggregation: "uniformMean"', ""],
    "method/aggregation",
    "payloads(...).upload.delta.aggregation",
    /received nothing/,
  ],
  [
    "a misspelt part of an upload",
    ["aggregation:", "agregation:"],
    "method/exchange",
    "payloads(...).upload.delta.agregation",
    /Did you mean "aggregation"/,
  ],
  [
    "a misspelt part of the payloads",
    ["clientState: {} })", "clientStates: {} })"],
    "method/exchange",
    "payloads(...)",
    /Did you mean "clientState"/,
  ],
  ["no layout", ["layout: model,", ""], "method/exchange", "payloads(...).upload.delta.layout", /received nothing/],
  [
    "a codec that there is not",
    ['aggregation: "uniformMean"', 'aggregation: "uniformMean", codec: { name: "truncated-svg", share: 1 }'],
    "method/exchange",
    "payloads(...).upload.delta.codec.name",
    /Did you mean "truncated-svd"/,
  ],
  [
    "a number as an upload",
    ["delta: combine(sub, y, local.broadcast.parameters)", "delta: 3"],
    "method/entries",
    "client.end(...).update.delta",
    /received the number 3/,
  ],
  [
    "numbers as entries",
    [
      "delta: combine(sub, y, local.broadcast.parameters)",
      "delta: Object.fromEntries(Object.keys(y).map((k) => [k, 3]))",
    ],
    "method/tensor",
    'client.end(...).update.delta["linear.bias"]',
    /received the number 3.*constant\(value\)/,
  ],
  [
    "swapped entries",
    ["delta: combine(sub, y, local.broadcast.parameters)", 'delta: { ...y, "linear.bias": y["linear.weight"] }'],
    "method/shape",
    'client.end(...).update.delta["linear.bias"]',
    /received a tensor float\[5, 3\].*shape \[3\]/,
  ],
  [
    "a broadcast of another name",
    ["direction: state.vectors.direction })", "directions: state.vectors.direction })"],
    "method/broadcast",
    "broadcast(...)",
    /Did you mean "direction" instead of "directions"/,
  ],
  [
    "a broadcast of another length",
    ["direction: state.vectors.direction })", "direction: state.vectors.direction.slice(1) })"],
    "method/vector",
    "broadcast(...).direction",
    /a Float32Array of 17.* of 18/,
  ],
  [
    "another server vector",
    ["direction: aggregate.delta }", "directon: aggregate.delta }"],
    "method/server-state",
    "update(...).vectors",
    /Did you mean "direction" instead of "directon"/,
  ],
  [
    "no model in the state",
    ["vectors: { parameters, direction", "vectors: { params: parameters, direction"],
    "method/server-state",
    "init(...).vectors",
    /a vector named parameters/,
  ],
  [
    "a list for a vector",
    ["direction: zeros(parameters) }", "direction: Array.from(parameters) }"],
    "method/vector",
    "init(...).vectors.direction",
    /a list of 18/,
  ],
  [
    "scalars that are none",
    ["scalars: {} })", "scalars: { t: 'x' } })"],
    "method/server-state",
    "init(...).scalars.t",
    /the string x/,
  ],
  [
    "an async server half",
    ["update: (state", "update: async (state"],
    "method/server-state",
    "update(...)",
    /a promise: the function must not be async/,
  ],
  [
    "async payloads",
    ["payloads: (model)", "payloads: async (model)"],
    "method/exchange",
    "payloads(...)",
    /must not be async/,
  ],
];

describe("an own method", () => {
  it("runs where nothing is wrong with it, also as an instance of a class", async () => {
    const plain = await simulate(await config({ algorithm: { file: await file(METHOD), damping: 0.25 } }), {
      workers: 0,
    });
    const instance: Replacement = [
      "export default (",
      "class M { update(...a) { return this.made.update(...a); } }\nconst make = (",
    ];
    const text = `export default (o) => { const made = make(o); const { update: _, ...rest } = made;
      return Object.assign(new M(), rest, { made }); };`;
    const path = await file(METHOD + text, instance);
    const again = await simulate(await config({ algorithm: { file: path, damping: 0.25 } }), { workers: 0 });
    expect(plain.stopped).toBe("finished");
    expect(again.modelHash).toBe(plain.modelHash);
  });

  it.each(methods)("with %s is refused by file, part and name", async (_what, replaced, code, part, message) => {
    const path = await file(METHOD, replaced);
    const error = await failure({ algorithm: { file: path } });
    expect([error.code, error.failure.where]).toEqual([code, `${path}, ${part}`]);
    expect(error.message).toMatch(message);
  });

  const local = ["client: localSgd({", "client: own(localSgd)({"] as const;
  it.each([
    [
      "a loss that is no tensor",
      "step: (...a) => ({ ...half.step(...a), loss: 1 })",
      "method/tensor",
      /client.step\(\.\.\.\)\.loss.*the number 1/,
    ],
    [
      "a loss for each parameter",
      "step: (c, l, s) => ({ ...half.step(c, l, s), loss: l.broadcast.parameters['linear.bias'] })",
      "method/shape",
      /float\[3\]/,
    ],
    ["no carry", "step: (...a) => ({ loss: half.step(...a).loss })", "method/step", /"carry" is missing/],
    [
      "a carry that grows",
      "step: (...a) => { const r = half.step(...a); return { ...r, carry: { ...r.carry, more: r.loss } }; }",
      "method/carry",
      /more a tensor float\[\]/,
    ],
    [
      "a number in the carry",
      "begin: (...a) => ({ ...half.begin(...a), t: 0 })",
      "method/tensor",
      /client.begin\(\.\.\.\)\.t.*the number 0/,
    ],
    ["random numbers of another kind", "draws: { a: { kind: 'sign' } }", "method/draws", /Did you mean "signs"/],
    ["an async begin", "begin: async (...a) => half.begin(...a)", "method/tensor", /must not be async/],
  ] as const)("whose client half has %s is refused", async (_what, change, code, message) => {
    const wrap = `\nconst own = (sgd) => (rule) => { const half = sgd(rule); return { ...half, ${change} }; };\n`;
    const path = await file(METHOD + wrap, local);
    const error = await failure({ algorithm: { file: path } });
    expect(error.code, error.message).toBe(code);
    expect(error.failure.where).toMatch(new RegExp(`^${path}, client\\.`));
    expect(error.message).toMatch(message);
  });

  it.each([
    ["init", ["init: (parameters) => (", "init: (parameters) => nothing.at.all || ("]],
    ["payloads", ["payloads: (model) => (", "payloads: (model) => nothing.at.all || ("]],
    ["broadcast", ["broadcast: (state) => (", "broadcast: (state) => nothing.at.all || ("]],
    ["update", ["direction: aggregate.delta }", "direction: nothing.at.all }"]],
    ["the client half", ["combine((a, b) => mul(sub(a, b), damping)", "combine((a, b) => nothing.at.all"]],
  ] as const)("that throws in %s is reported by file and line", async (_what, replaced) => {
    const path = await file(METHOD, replaced);
    const error = await failure({ algorithm: { file: path } });
    expect(error.code, error.message).toBe("local/failed");
    expect(error.failure.where).toMatch(new RegExp(`^${path}:\\d+:\\d+$`));
    expect(error.failure.received).toBe("ReferenceError: nothing is not defined");
  });

  it("whose tensors do not fit together is reported by file and line", async () => {
    const path = await file(
      METHOD,
      ["import { mul, sub }", "import { constant, mul, sub }"],
      ["sub(a, b)", "sub(a, constant([1, 2, 3, 4], [4]))"],
    );
    const error = await failure({ algorithm: { file: path } });
    expect(error.code, error.message).toBe("local/failed");
    expect(error.failure.where).toMatch(new RegExp(`^${path}:8:`));
    expect(error.failure.received).toMatch(/float\[/);
  });

  it("that fails in a later round stops the run with its file and line", async () => {
    const path = await file(METHOD, [
      "update: (state, aggregate) => ({",
      "update: (state, aggregate, { round }) => ({ x: round > 1 && nothing,",
    ]);
    const error = await simulate(await config({ algorithm: { file: path } }), { workers: 0 }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "method/server-state" });
    const late = await file(METHOD, [
      "aggregate) => ({ ...state, vectors: {",
      "aggregate, { round }) => ({ ...state, vectors: { ...(round > 1 ? nothing : {}),",
    ]);
    const thrown = await simulate(await config({ algorithm: { file: late } }), { workers: 0 }).catch((e: unknown) => e);
    expect(thrown).toMatchObject({ code: "local/failed", failure: { where: expect.stringMatching(`^${late}:11:`) } });
  });
});

it("an own method that the library was given goes on in a resumed run", async () => {
  const { default: make } = (await import(await file(METHOD))) as { default: () => Algorithm };
  const runs = join(folder, "runs");
  const start = async (rounds: number) => resolveConfig({ ...(await config()), rounds });
  const own = { algorithm: make() };
  const stopping = new AbortController();
  const onEvent = ({ type }: RunEvent) => type === "round.finished" && stopping.abort();
  const options = { runs, workers: 0 };
  const begun = await startRun(await start(2), { ...options, signal: stopping.signal, onEvent }, own);
  expect(begun.result.stopped).toBe("interrupted");
  const { result } = await resumeRun(begun.folder, options, { algorithm: make() });
  expect([result.stopped, result.round]).toEqual(["finished", 2]);
});

describe("options of an own method", () => {
  const unknown = async (path: string, options: object) => failure({ algorithm: { file: path, ...options } });

  it("that its code does not read are refused with the nearest name", async () => {
    const path = await file(METHOD);
    expect(await unknown(path, { dampng: 0.3 })).toMatchObject({
      code: "local/unknown-option",
      failure: {
        where: `algorithm.dampng, ${path}`,
        received: "0.3",
        expected: "one of damping",
        advice: 'Did you mean "damping"?',
      },
    });
    const none = await file(
      METHOD,
      ["{ damping = 0.5 } = {}", ""],
      ["options: { damping }", "options: {}"],
      [", damping)", ", 1)"],
    );
    expect((await unknown(none, { x: 1 })).failure.expected).toBe("no options");
  });

  it("may be read late, in the client half or on the server", async () => {
    const late = await file(
      METHOD,
      ["({ damping = 0.5 } = {})", "(o)"],
      ["options: { damping }", "options: {}"],
      [", damping)", ", o.damping)"],
      ["vectors.parameters, 1,", "vectors.parameters, o.rate,"],
    );
    const algorithm = { file: late, damping: 0.5, rate: 1 };
    expect((await simulate(await config({ algorithm }), { workers: 0 })).stopped).toBe("finished");
    expect((await unknown(late, { damping: 0.5, rate: 1, rat: 1 })).failure.advice).toBe('Did you mean "rate"?');
  });

  it("are checked against defaults that the file declares", async () => {
    const path = await file(`${METHOD}export const options = { damping: 0.5, late: "x" };`);
    expect((await unknown(path, { dampng: 1 })).failure).toMatchObject({
      expected: "one of damping, late",
      advice: 'Did you mean "damping"?',
    });
    expect(await unknown(path, { damping: "high" })).toMatchObject({
      code: "local/option",
      failure: { expected: "a number" },
    });
    expect((await simulate(await config({ algorithm: { file: path, late: "y" } }), { workers: 0 })).stopped).toBe(
      "finished",
    );
    expect((await unknown(await file(`${METHOD}export const options = 3;`), {})).code).toBe("local/export");
  });

  it("are checked against a schema that the file declares, whose defaults they get", async () => {
    const zod = JSON.stringify(import.meta.resolve("zod"));
    const path = await file(`import * as z from ${zod};
${METHOD}export const options = z.strictObject({ damping: z.number().max(1).default(0.5), needed: z.string() });`);
    expect(await unknown(path, { dampng: 1, needed: "" })).toMatchObject({
      code: "local/unknown-option",
      failure: { advice: 'Did you mean "damping"?' },
    });
    expect(await unknown(path, { damping: 2, needed: "" })).toMatchObject({
      code: "local/option",
      failure: { received: "2" },
    });
    expect(await unknown(path, {})).toMatchObject({
      code: "local/missing-option",
      message: expect.stringMatching(/^missing required option/),
    });
  });
});
