import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";

const TOML = `
name = "small"
rounds = 2
[data]
dataset = "synthetic"
clients = 4
synthetic = { shape = [1, 12, 12], classes = 3, examples = 6, testExamples = 10 }
[model]
name = "mlp"
hidden = [16]
[training]
localSteps = 2
batchSize = 3
learningRate = 0.1
[sampler]
cohort = 3
[execution]
executor = "interpreter"
`;

interface Row {
  readonly defence: string;
  readonly protocol: string;
  readonly attack: string;
  readonly observer: string;
  readonly message: string;
  readonly labelAccuracy: number | null;
  readonly meanPsnr: number | null;
  readonly found: number | null;
  readonly refusal: { readonly code: string } | null;
}

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-audit-"));
  file = join(folder, "small.toml");
  await writeFile(file, TOML);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const call = (...args: readonly string[]) => callCommand("audit", ...args, "--runs", join(folder, "runs"));
const page = (name: string) => join(folder, name);

describe("anabranch audit", () => {
  it("attacks each defence as configured and in the worst case, with a self-contained page", async () => {
    const report = page("defences.html");
    const { code, stdout } = await call(file, "--defences", "--iterations", "3", "-o", report, "--json");
    expect(code).toBe(0);
    const { rows, dataset } = JSON.parse(stdout) as { rows: Row[]; dataset: string };
    expect(dataset).toBe("synthetic");
    const of = (defence: string, attack: string, protocol: RegExp) =>
      rows.filter((row) => row.defence === defence && row.attack === attack && protocol.test(row.protocol));
    // a dense first layer shows one example exactly; the sum of three clients and noise do not
    expect(of("plain", "fc", /worst/)[0]).toMatchObject({ observer: "server", message: "update", found: 1 });
    expect(of("secure", "fc", /worst/)[0]).toMatchObject({ observer: "server", message: "sum" });
    expect(of("private", "fc", /worst/).map((row) => row.observer)).toEqual(["server", "everyone"]);
    expect(of("private", "fc", /worst/)[0]!.found).toBe(1);
    expect(of("private", "fc", /worst/)[1]!.found).toBe(0);
    expect(of("plain", "ig", /configured/)[0]!.meanPsnr).not.toBeNull();
    const html = await readFile(report, "utf8");
    expect(html).toContain("Anabranch report</title>");
    expect(html).not.toMatch(/(src|href)=/);
    expect(html.match(/class="pixels"/g)!.length).toBeGreaterThan(8);
    expect(html).toContain("Nothing was sent anywhere");
  });

  it("prints a table, refuses to overwrite, and compares the accuracy of finished runs", async () => {
    expect((await callCommand("run", file, "--quiet", "--runs", join(folder, "runs"))).code).toBe(0);
    const report = page("run.html");
    const { code, stdout } = await call("last", "--attack", "labels", "-o", report);
    expect(code).toBe(0);
    expect(stdout).toContain("Worst case");
    expect(stdout).toMatch(/small +server, one update +labels/);
    expect(await readFile(report, "utf8")).toContain("Cost of each defence");
    expect((await call("last", "--attack", "labels", "-o", report)).stderr).toContain("usage/file-exists");
    expect((await call(file, "--round", "2", "--attack", "fc", "-f", "-o", report)).code).toBe(0);
  });

  it("refuses an attack on a masked message, and one that fits no message", async () => {
    const secure = ["--defences", "secure", "-o", page("no.html")];
    expect((await call(file, ...secure, "--view", "update")).stderr).toContain("audit/masked");
    expect((await call(file, "--attack", "dlg", "--steps", "1", "-o", page("no.html"))).stderr).toContain(
      "audit/not-smooth",
    );
    expect((await call(file, "--attack", "ig", "--steps", "9", "-o", page("no.html"))).stderr).toContain("audit/steps");
    expect((await call(file, "--defences", "none", "-o", page("no.html"))).stderr).toContain("usage/defence");
    expect((await call(file, "--round", "1", "--client", "77", "-o", page("no.html"))).stderr).toContain(
      "audit/client",
    );
  });
});
