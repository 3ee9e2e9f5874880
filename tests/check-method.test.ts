import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callCommand } from "../packages/node/src/cli/testing/call-command.ts";
import { file, folder, METHOD } from "./own-file-fixtures.ts";

/** `anabranch check`: the conformance battery on a method of an own file. */
beforeEach(() => void vi.stubEnv("XDG_CACHE_HOME", join(folder, ".cache")));
afterEach(() => vi.unstubAllEnvs());

const names = [
  "keeps the contract of a method",
  "continues bit for bit from a checkpoint",
  "sends what it declares",
  "compiles once for all rounds",
  "declares whether its server half counts local steps",
  "gives the same bits when it is repeated",
  "gives the same results in float32 and float64, up to rounding",
];

/** Whether each case holds, by name, and the reasons of those that do not. */
async function checked(...replaced: Parameters<typeof file>[1][]) {
  const { code, stdout } = await callCommand("check", await file(METHOD, ...replaced), "--model", "logistic", "--json");
  const { cases } = JSON.parse(stdout) as { cases: { name: string; ok: boolean; reason?: string }[] };
  return { code, failed: Object.fromEntries(cases.flatMap(({ name, ok, reason }) => (ok ? [] : [[name, reason]]))) };
}

describe("the check of an own method", () => {
  it("prints a line for each case and ends with 0 where all hold", async () => {
    const { code, stdout } = await callCommand("check", await file(METHOD), "--set", "algorithm.damping=0.25");
    expect(code, stdout).toBe(0);
    expect(stdout.split("\n")).toEqual([
      ...names.map((name) => `  ok      ${name}`),
      "",
      "mine passes all 7 checks with model mlp.",
      "",
    ]);
  });

  it("gives the method, its options and every case as JSON", async () => {
    const path = await file(METHOD);
    const { stdout } = await callCommand(
      "check",
      path,
      "--model",
      "logistic",
      "--set",
      "algorithm.damping=0.25",
      "--json",
    );
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      file: path,
      method: "mine",
      options: { damping: 0.25 },
      model: "logistic",
      cases: names.map((name) => ({ name, ok: true })),
    });
  });

  it("ends with 1 and the reason where state is kept outside the server's vectors", async () => {
    const { code, failed } = await checked(
      ["export default", "let kept = 0;\nexport default"],
      ["stepFrom(parameters, 1, delta)", "stepFrom(parameters, 1 + kept++, delta)"],
    );
    expect(code).toBe(1);
    expect(Object.keys(failed)).toEqual([names[1], names[5], names[6]]);
    expect(failed[names[1]!]).toMatch(/^after resuming at round 2, parameter 0 is \S+, not \S+\. State must be in/);
    expect(failed[names[5]!]).toMatch(/^in round 1 parameter 0 is .*A method must not use Math\.random/);
  });

  it("ends with 1 where the server half counts steps and does not declare it", async () => {
    const { code, failed } = await checked([
      "{ round }) => ({ parameters: stepFrom(parameters, 1,",
      "r) => ({ parameters: stepFrom(parameters, r.localSteps / 3,",
    ]);
    expect([code, failed]).toEqual([1, { [names[4]!]: "countsSteps is undefined, but reads are true" }]);
  });

  it("ends with 2 for a mistake in the file, also in a later round", async () => {
    const early = await callCommand("check", await file(METHOD, ["direction: delta }", "directon: delta }"]));
    expect([early.code, early.stdout]).toEqual([2, ""]);
    expect(early.stderr).toMatch(/^error method\/server-state: .*\n +where +\S+, update\(\.\.\.\)/);
    const late = await callCommand(
      "check",
      await file(METHOD, ["direction: delta }", "direction: round > 1 ? 3 : delta }"]),
    );
    expect(late.code).toBe(2);
    expect(late.stderr).toMatch(/^error method\/vector: .*\n +where +\S+, update\(\.\.\.\)\.direction/);
    const option = await callCommand("check", await file(METHOD), "--set", "algorithm.dampng=1");
    expect([option.code, option.stderr]).toEqual([2, expect.stringContaining('Did you mean "damping"?')]);
  });
});
