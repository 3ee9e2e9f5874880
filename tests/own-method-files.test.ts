import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  defineMethod,
  localSgd,
  MODEL,
  type RunEvent,
  resolveConfig,
  stepFrom,
  vectors,
  weightedMean,
} from "@anabranch/core";
import { resumeRun, simulate, startRun } from "@anabranch/node";
import { describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { callCommand } from "../packages/node/src/cli/testing/call-command.ts";
import { config, DATA, failure, file, folder, METHOD } from "./own-file-fixtures.ts";

/** Mistakes in what an own method computes, in its file and in its options, and what the command makes of them. */
describe("an own method", () => {
  const local = ["local: localSgd({", "local: own(localSgd)({"] as const;
  it.each([
    [
      "a loss that is no tensor",
      "step: (...a) => ({ ...half.step(...a), loss: 1 })",
      "method/tensor",
      /local.step\(\.\.\.\)\.loss.*the number 1/,
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
      /local.begin\(\.\.\.\)\.t.*the number 0/,
    ],
    ["random numbers of another kind", "draws: { a: { kind: 'sign' } }", "method/draws", /Did you mean "signs"/],
    ["an async begin", "begin: async (...a) => half.begin(...a)", "method/tensor", /must not be async/],
  ] as const)("whose local steps have %s is refused", async (_what, change, code, message) => {
    const wrap = `\nconst own = (sgd) => (rule) => { const half = sgd(rule); return { ...half, ${change} }; };\n`;
    const path = await file(METHOD + wrap, local);
    const error = await failure({ algorithm: { file: path } });
    expect(error.code, error.message).toBe(code);
    expect(error.failure.where).toMatch(new RegExp(`^${path}, local\\.`));
    expect(error.message).toMatch(message);
  });

  it("whose client half lacks a function is refused with the nearest name", async () => {
    const wrap =
      "\nconst own = (sgd) => (rule) => { const { begin, ...half } = sgd(rule); return { ...half, bgin: begin }; };\n";
    const path = await file(METHOD + wrap, local);
    expect(await failure({ algorithm: { file: path } })).toMatchObject({
      code: "method/local",
      failure: { where: `${path}, local.begin`, advice: 'Did you mean "begin" instead of "bgin"?' },
    });
  });

  it.each([
    ["build", ["build: ({ damping }) =>", "build: ({ damping }) => nothing.at.all ||"]],
    ["parts", ["computed: {", "parts: () => nothing.at.all, computed: {"]],
    ["start", ["direction: parameters.map", "direction: nothing.at.all"]],
    ["compute", ["half: round / 2", "half: nothing.at.all"]],
    ["update", ["direction: delta }", "direction: nothing.at.all }"]],
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
    expect(error.failure.where).toMatch(new RegExp(`^${path}:16:`));
    expect(error.failure.received).toMatch(/float\[/);
  });

  it("that fails in a later round stops the run with its file and line", async () => {
    const run = async (...replaced: readonly (readonly [string, string])[]) => {
      const path = await file(METHOD, ...replaced);
      return [path, await simulate(await config({ algorithm: { file: path } }), { workers: 0 }).catch((e) => e)];
    };
    const [named, state] = await run(["direction: delta }", "[round > 1 ? 'x' : 'direction']: delta }"]);
    expect(state).toMatchObject({ code: "method/server-state", failure: { where: `${named}, update(...)` } });
    const [late, thrown] = await run(["direction: delta }", "direction: round > 1 ? nothing : delta }"]);
    expect(thrown).toMatchObject({ code: "local/failed", failure: { where: expect.stringMatching(`^${late}:19:`) } });
  });
});

describe("the file of an own method", () => {
  it.each([
    ["a plain function", "(options) => ({})", "a plain function"],
    ["an algorithm", "{ name: 'x', update() {} }", "an object with name, update"],
  ])("that exports %s is refused, with the form that it takes", async (_what, made, received) => {
    const path = await file(METHOD, [
      "export default defineMethod(",
      `export default ${made};\nexport const x = defineMethod(`,
    ]);
    expect(await failure({ algorithm: { file: path } })).toMatchObject({
      code: "local/export",
      failure: {
        where: path,
        received,
        expected: "a method made by defineMethod",
        advice: expect.stringMatching(/^Write: export default defineMethod\(/),
      },
    });
  });

  it("that exports nothing by default is refused", async () => {
    const path = await file(METHOD, ["export default defineMethod", "export const mine = defineMethod"]);
    expect((await failure({ algorithm: { file: path } })).failure).toMatchObject({
      code: "local/export",
      received: "exports mine",
      expected: "a default export: a method made by defineMethod",
    });
  });
});

it("an own method that the library was given continues in a resumed run", async () => {
  const make = defineMethod({
    name: "mine",
    options: z.strictObject({}),
    build: () =>
      vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
        local: localSgd(),
        update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 1, delta) }),
      }),
  });
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
  it("are checked against its schema, whose defaults they get", async () => {
    const path = await file(METHOD, ["default(0.5) }", "default(0.5), needed: z.string() }"]);
    const refused = (options: object) => failure({ algorithm: { file: path, ...options } });
    expect(await refused({ dampng: 0.3, needed: "" })).toMatchObject({
      code: "algorithm/unknown-option",
      failure: {
        where: `algorithm.dampng, ${path}`,
        received: "0.3",
        expected: "one of damping, needed",
        advice: 'Did you mean "damping"?',
      },
    });
    expect(await refused({ damping: 2, needed: "" })).toMatchObject({
      code: "algorithm/option",
      failure: { where: `algorithm.damping, ${path}`, received: "2" },
    });
    expect(await refused({})).toMatchObject({
      code: "algorithm/missing-option",
      message: expect.stringMatching(/^missing required option/),
    });
    const result = await simulate(await config({ algorithm: { file: path, needed: "x" } }), { workers: 0 });
    expect(result.stopped).toBe("finished");
  });

  it("may be left out where there are none", async () => {
    const none = await file(METHOD, ["damping: z.number().max(1).default(0.5)", ""], ["sub(a, b), damping", "a, 1"]);
    expect((await failure({ algorithm: { file: none, x: 1 } })).failure.expected).toBe("no options");
    expect((await simulate(await config({ algorithm: { file: none } }), { workers: 0 })).stopped).toBe("finished");
  });
});

it("the command ends with 2 for each kind of mistake, and leaves no run behind", async () => {
  vi.stubEnv("XDG_CACHE_HOME", join(folder, ".cache"));
  const run = async (replaced: readonly [string, string], more = "") => {
    const text = `[algorithm]\nfile = "${await file(METHOD, replaced)}"\n${more}[data]\nfile = "${await file(DATA)}"\nclients = 3\n`;
    await writeFile(
      join(folder, "method.toml"),
      `${text}partition.scheme = "iid"\n[model]\nname = "logistic"\n[sampler]\ncohort = 2\n`,
    );
    return callCommand("run", join(folder, "method.toml"), "--runs", join(folder, "refused"));
  };
  const errors = /^error ([a-z/-]+): [^\n]*\n +where +(?:algorithm\.\w+, )?\S+own-\d+\.mjs(?:, (\S+))?/;
  for (const [replaced, code, part, more] of [
    [["uniformMean(MODEL)", "uniformMean()"], "method/shape", "upload.delta"],
    [["direction: delta }", "directon: delta }"], "method/server-state", "update(...)"],
    [["export default", "export const x ="], "local/export", undefined],
    [["zod", "zod"], "algorithm/unknown-option", undefined, "dampng = 1\n"],
  ] as const) {
    const ended = await run(replaced, more);
    expect(errors.exec(ended.stderr)?.slice(1), ended.stderr).toEqual([code, part]);
    expect(ended.code).toBe(2);
  }
  expect(await readdir(folder)).not.toContain("refused");
  vi.unstubAllEnvs();
});
