import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { command, type Spawned, startCommand } from "../packages/node/src/cli/testing/spawn-command.ts";
import { syntheticRun } from "../packages/node/src/report/synthetic-run.ts";
import { expectAccessible } from "./fixtures/accessibility.ts";
import { findChromium, launchChromium } from "./fixtures/chromium.ts";

/** The page of a folder of runs, in a real browser and with the real command. */
const executablePath = findChromium("6 tests of the dashboard");
const DEADLINE = 120_000; // milliseconds
const root = join(import.meta.dirname, "..");
const hostile = '<img src=x onerror="document.title=1">';

let browser: Browser;
let folder: string;
const contexts: BrowserContext[] = [];
const servers: Spawned[] = [];

describe.skipIf(executablePath === undefined)("the dashboard", () => {
  beforeAll(async () => {
    await build({ configFile: join(root, "packages", "dashboard", "vite.config.ts"), logLevel: "warn" });
    browser = await launchChromium(executablePath!, DEADLINE);
  }, DEADLINE);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "anabranch-dashboard-"));
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    for (const { child, ended } of servers.splice(0)) {
      child.kill("SIGKILL");
      await ended;
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }, DEADLINE);
  afterAll(() => browser?.close(), DEADLINE);

  it("lists runs and follows one through a crash and a resume", { timeout: 2 * DEADLINE }, async () => {
    const events = (await writeRun("followed", { name: hostile })).trimEnd().split("\n");
    const log = join(folder, "runs", "followed", "events.jsonl");
    await writeFile(log, `${events.slice(0, 20).join("\n")}\n`);
    await writeRun("other");
    const { link } = await open();
    const page = await newPage(link);
    expect(page.url()).not.toContain("token");
    await page.getByRole("cell", { name: "finished" }).waitFor();
    await expectAccessible(page, "runs");
    await page.getByRole("link", { name: hostile }).click();
    await page.getByText("interrupted").waitFor();
    expect(await factOf(page, "Rounds")).toMatch(/^\d+ of 30$/);
    await appendFile(log, `${events.slice(20).join("\n")}\n`);
    await page.getByText("The run has ended after 30 rounds.").waitFor();
    await page.getByRole("status").getByText("finished").waitFor();
    expect(await factOf(page, "Privacy")).toBe("not private");
    await expectAccessible(page, "run");
    await page.getByText("Loss as a table").click();
    await page.getByRole("rowheader", { name: "30" }).first().waitFor();
    // resumed after round 2: what came later is gone
    const resumed = { ...JSON.parse(events[0]!), resumedFrom: 2 };
    await writeFile(log, `${events.slice(0, 8).join("\n")}\n${JSON.stringify(resumed)}\n`);
    await page.getByText("Resumed after round 2.").waitFor();
    expect(await page.getByText("Round 30:").count()).toBe(0);
    expect(await page.title()).not.toBe("1");
  });

  it("puts runs side by side, chosen by keyboard", { timeout: 2 * DEADLINE }, async () => {
    for (const algorithm of ["fedavg", "scaffold"]) {
      for (const seed of [1, 2]) await writeRun(`${algorithm}-${seed}`, { name: algorithm, algorithm, seed });
    }
    const { link } = await open();
    const page = await newPage(link);
    await page.getByRole("checkbox").nth(3).waitFor();
    for (const box of await page.getByRole("checkbox").all()) {
      await box.focus();
      await page.keyboard.press("Space");
    }
    await page.getByRole("link", { name: "Compare 4 runs" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate("document.activeElement?.tagName"), { timeout: DEADLINE }).toBe("H1");
    expect(await page.title()).toContain("Runs side by side");
    const results = page.getByRole("region", { name: "Results" });
    await results.getByRole("row", { name: /^fedavg 1 2 .*±/ }).waitFor();
    await results.getByRole("row", { name: /^scaffold 1 2 .*±/ }).waitFor();
    await page.getByRole("row", { name: /^algorithm.name/ }).waitFor();
    await expectAccessible(page, "compare");
    const [report] = await Promise.all([
      page.context().waitForEvent("page"),
      page.getByRole("link", { name: "Open the report" }).click(),
    ]);
    await report.getByRole("heading", { name: "Comparison of 4 runs" }).waitFor();
  });

  it("starts a run from the form, which survives a reload, and stops it", { timeout: 3 * DEADLINE }, async () => {
    const { link } = await open();
    const page = await newPage(link);
    await page.getByRole("link", { name: "New run" }).click();
    const training = page.getByRole("group", { name: "Training" });
    await training.getByLabel("Learning rate").fill("-1");
    await page.getByText("invalid configuration value: received -1, expected more than 0.").waitFor();
    await expectAccessible(page, "new");
    await fillSmallRun(page);
    await training.getByLabel("Learning rate").fill("0.1");
    await page.getByRole("button", { name: "Start the run" }).click();
    await page.getByText("small is running.").or(page.getByText("small is starting.")).waitFor();
    await page.reload();
    await page.getByText("small is running.").waitFor();
    await page.getByRole("link", { name: "small" }).first().click();
    await expect.poll(() => factOf(page, "Test accuracy"), { timeout: DEADLINE }).toMatch(/%/);
    await page.getByRole("status").getByText("running", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("status").getByText("interrupted").waitFor();
    const [only] = await runs();
    expect(only).toMatchObject({ name: "small", status: "interrupted" });
    const config = await readFile(join(folder, "runs", await onlyFolder(), "config.toml"), "utf8");
    expect(config).toContain("learningRate = 0.1");
  });

  it("ends with the run that it has started: after its round, or at once", { timeout: 3 * DEADLINE }, async () => {
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const { link, server } = await open();
      const page = await newPage(link);
      await page.getByRole("link", { name: "New run" }).click();
      await fillSmallRun(page);
      await page.getByRole("button", { name: "Start the run" }).click();
      await page.getByText("small is running.").waitFor();
      server.child.kill(signal);
      const { code } = await server.ended;
      expect(code).toBe(signal === "SIGINT" ? 0 : 137);
      await expect.poll(async () => (await runs())[0]?.status, { timeout: DEADLINE }).toBe("interrupted");
    }
  });

  it("needs its token", { timeout: 2 * DEADLINE }, async () => {
    await writeRun("other");
    const { link } = await open();
    const page = await newPage(link.replace(/#.*/, ""));
    await page.getByRole("alert").getByText("This needs the token of the dashboard.").waitFor();
    await expectAccessible(page, "token");
    await page.getByLabel(/^Token/).fill(/token=(.*)/.exec(link)![1]!);
    await page.getByRole("button", { name: "Unlock" }).click();
    await page.getByRole("cell", { name: "finished" }).waitFor();
  });

  it("reports a folder that goes, and shows it again when it is back", { timeout: 2 * DEADLINE }, async () => {
    await writeRun("other");
    const { link } = await open();
    const page = await newPage(link);
    await page.getByRole("cell", { name: "finished" }).waitFor();
    await rm(join(folder, "runs"), { recursive: true });
    await page.getByText("There are no runs in this folder yet.").waitFor();
    await writeRun("another");
    await page.getByRole("cell", { name: "finished" }).waitFor();
  });
});

/** Starts the command and waits for its link. */
async function open(): Promise<{ readonly link: string; readonly server: Spawned }> {
  const server = startCommand(folder, "dashboard", "--port", "0", "--workers", "1", "--json");
  servers.push(server);
  const text = await server.shows("}\n");
  return { link: (JSON.parse(text) as { link: string }).link, server };
}

async function newPage(link: string): Promise<Page> {
  const context = await browser.newContext();
  contexts.push(context);
  context.setDefaultTimeout(DEADLINE / 2);
  const page = await context.newPage();
  page.on("pageerror", (error) => expect.soft(error.message).toBe(""));
  await page.goto(link);
  return page;
}

/** Writes the folder of a run that is not real, and gives its events. */
async function writeRun(name: string, options: Parameters<typeof syntheticRun>[0] = {}): Promise<string> {
  const { events, partition } = syntheticRun(options);
  const { algorithm = "fedavg", seed = 1, name: shown = name } = options;
  const run = join(folder, "runs", name);
  await mkdir(run, { recursive: true });
  await writeFile(join(run, "events.jsonl"), events);
  await writeFile(join(run, "partition.json"), partition);
  const config = `name = ${JSON.stringify(shown)}\nseed = ${seed}\n[algorithm]\nname = "${algorithm}"\n`;
  await writeFile(join(run, "config.toml"), config);
  return events;
}

/** A run of many short rounds. */
async function fillSmallRun(page: Page): Promise<void> {
  const run = page.getByRole("group", { name: "Run", exact: true });
  await run.getByLabel("Name").fill("small");
  await run.getByLabel("Rounds").fill("100000");
  await page.getByRole("group", { name: "Data", exact: true }).getByLabel("Clients").fill("10");
  await page.getByRole("group", { name: "Model" }).getByLabel("Name").selectOption("logistic");
  await page.getByRole("group", { name: "Sampler" }).getByLabel("Cohort").fill("2");
}

async function runs(): Promise<{ readonly name: string; readonly status: string }[]> {
  const { stdout } = await command(folder, "list", "--json");
  return (JSON.parse(stdout) as { runs: { name: string; status: string }[] }).runs;
}

async function onlyFolder(): Promise<string> {
  const names = await readdir(join(folder, "runs"));
  return names.find((name) => name.includes("-small-"))!;
}

function factOf(page: Page, name: string): Promise<string> {
  return page
    .locator("dl.facts div", { has: page.getByText(name, { exact: true }) })
    .locator("dd")
    .innerText();
}
