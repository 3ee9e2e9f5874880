import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/**
 * Cases from implementations that are not this one: tests/oracles/golden-cases.ts derives them again. Numbers hold to 1e-9
 * of the larger of 1 and the expected value.
 */
interface GoldenCase {
  readonly id: string;
  readonly expected: unknown;
}
const TOLERANCE = 1e-9;
const root = new URL("..", import.meta.url);
const fixture = new URL("fixtures/golden.json", import.meta.url);

describe("golden cases by the command", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "anabranch-golden-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function golden(content: unknown): Promise<{ status: number; output: unknown; errors: string }> {
    const file = join(folder, "case.json");
    await writeFile(file, JSON.stringify(content));
    return execute("golden", file);
  }

  function execute(command: string, file: string): Promise<{ status: number; output: unknown; errors: string }> {
    return new Promise((resolve) => {
      const options = { cwd: root, maxBuffer: 2 ** 26 };
      execFile(process.execPath, [`packages/node/src/cli/${command}.ts`, file], options, (error, stdout, stderr) => {
        const output: unknown = stdout === "" ? undefined : JSON.parse(stdout);
        resolve({ status: error === null ? 0 : Number(error.code), output, errors: stderr });
      });
    });
  }

  it("holds every case of the list, in one process", async () => {
    const cases: readonly GoldenCase[] = JSON.parse(await readFile(fixture, "utf8"));
    const { status, output } = await golden(cases);
    expect(status).toBe(0);
    expect(cases.length).toBeGreaterThan(10);
    for (const [i, { id, expected }] of cases.entries()) expectClose((output as unknown[])[i], expected, id);
  });

  it("prints one case as it is, with its further keys unread", async () => {
    const cases: readonly GoldenCase[] = JSON.parse(await readFile(fixture, "utf8"));
    const { status, output } = await golden({ ...cases[0]!, expected: "something else" });
    expect(status).toBe(0);
    expectClose(output, cases[0]!.expected, cases[0]!.id);
  });

  it("names an operation that is not there, with status 3", async () => {
    const { status, output, errors } = await golden({ operation: "codec.unheard", input: {} });
    expect(status).toBe(3);
    expect(output).toMatchObject({ error: true, code: "golden/operation" });
    expect(errors).toContain("codec.unheard is not there yet");
  });

  it.each(["golden", "trace"])("reports a file that %s cannot read in one line, with status 2", async (command) => {
    const broken = join(folder, "broken.json");
    await writeFile(broken, "{");
    for (const [file, code] of [
      [broken, "json"],
      [join(folder, "missing.json"), "file"],
    ] as const) {
      const { status, errors } = await execute(command, file);
      expect(status).toBe(2);
      expect(errors).toMatch(new RegExp(`^${command}/${code}: .*\\n$`));
    }
  });

  it("refuses a case that it cannot read with status 2, and goes on with the others", async () => {
    const cases: readonly object[] = JSON.parse(await readFile(fixture, "utf8"));
    const { status, output } = await golden([{ operation: "fedau", input: { a: [[1]] } }, cases[0]]);
    expect(status).toBe(2);
    expect(output).toMatchObject([{ error: true, code: "golden/case" }, {}]);
    expect((output as object[])[1]).not.toHaveProperty("error");
  });
});

/** Every number, string and length that is expected; further keys of the output are not looked at. */
function expectClose(got: unknown, expected: unknown, where: string): void {
  if (typeof expected === "number") {
    expect(typeof got, where).toBe("number");
    const error = Math.abs((got as number) - expected);
    expect(error, `${where}: ${got} is not ${expected}`).toBeLessThanOrEqual(
      TOLERANCE * Math.max(1, Math.abs(expected)),
    );
  } else if (Array.isArray(expected)) {
    expect(Array.isArray(got) && got.length, `${where}: length`).toBe(expected.length);
    for (const [i, part] of expected.entries()) expectClose((got as unknown[])[i], part, `${where}[${i}]`);
  } else if (typeof expected === "object" && expected !== null) {
    for (const [key, part] of Object.entries(expected))
      expectClose((got as Record<string, unknown>)[key], part, `${where}.${key}`);
  } else {
    expect(got, where).toBe(expected);
  }
}
