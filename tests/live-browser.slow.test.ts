import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { command, type Spawned, startCommand } from "../packages/node/src/cli/testing/spawn-command.ts";
import { expectAccessible } from "./fixtures/accessibility.ts";
import { findChromium, launchChromium } from "./fixtures/chromium.ts";

/** Live runs with clients in a real browser, and the page that shows them. */
const executablePath = findChromium("7 tests of live runs");
const DEADLINE = 120_000; // milliseconds
const root = join(import.meta.dirname, "..");

const trial = (rounds: number) => `name = "browser trial"
rounds = ${rounds}
[data]
dataset = "fashion-mnist-10k"
clients = 2
holdout = 0.1
[model]
name = "mlp"
hidden = [16]
[algorithm]
name = "scaffold"
[training]
localSteps = 4
batchSize = 16
learningRate = 0.05
[sampler]
cohort = 2
`;

/** Three clients, as none hides in a sum of two. */
const secure = `name = "secure browsers"
rounds = 2
[data]
dataset = "fashion-mnist-10k"
clients = 3
[model]
name = "mlp"
hidden = [64]
[training]
localSteps = 4
batchSize = 16
learningRate = 0.05
[sampler]
cohort = 3
[secureAggregation]
protocol = "bonawitz"
`;

const ofTables = `name = "tables"
rounds = 2
[data]
dataset = "csv:central.csv?label=sick"
clients = 2
[model]
name = "logistic"
[sampler]
cohort = 2
`;

/** Rows of two numbers and a class, in turn. */
function table(rows: number, classes: readonly string[]): string {
  const row = (_: unknown, at: number) => `${at % 7},${(at * 3) % 5},${classes[at % classes.length]}`;
  return ["age,dose,sick", ...Array.from({ length: rows }, row)].join("\n");
}

interface Open {
  readonly run: string;
  readonly name: string;
  readonly page: string;
  readonly url: string;
  readonly joinLink: string;
  readonly operatorToken: string;
}

let browser: Browser;
let folder: string;
const contexts: BrowserContext[] = [];
const servers: Spawned[] = [];

describe.skipIf(executablePath === undefined)("a live run with browsers", () => {
  beforeAll(async () => {
    await build({ configFile: join(root, "packages", "dashboard", "vite.config.ts"), logLevel: "warn" });
    browser = await launchChromium(executablePath!, DEADLINE);
  }, DEADLINE);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "anabranch-browser-"));
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

  it("trains beside a Node client; both contribute to every round", { timeout: 3 * DEADLINE }, async () => {
    const { server, open } = await serve(trial(3), "--demo-data");
    const page = await joinPage(open);
    await page.getByRole("button", { name: "Start training" }).click();
    await page.getByText("client 0", { exact: true }).waitFor({ timeout: DEADLINE });
    const node = startCommand(folder, "join", open.joinLink, "--client", "1", "--folder", join(folder, "client"));
    servers.push(node);
    await page.getByText("The run is over. Thank you!").waitFor({ timeout: DEADLINE });
    await expect.poll(() => factOf(page, "Updates accepted")).toBe("3");
    expect(await factOf(page, "Sent")).toMatch(/kB/);
    const { lines } = await server.ended;
    const rounds = lines().filter(({ type }) => type === "round.finished");
    expect(rounds.map(({ clients }) => clients)).toEqual([2, 2, 2]);
    expect((await node.ended).code).toBe(0);
  });

  it("of two browsers gives the model of a simulation with WebAssembly", { timeout: 3 * DEADLINE }, async () => {
    const { server, open } = await serve(trial(3), "--demo-data");
    const pages = [await joinPage(open), await joinPage(open)];
    for (const page of pages) await page.getByRole("button", { name: "Start training" }).click();
    const { code, lines } = await server.ended;
    expect(code).toBe(0);
    const hash = lines().at(-1)!["modelHash"];
    for (const page of pages) await page.getByText(String(hash)).waitFor({ timeout: DEADLINE });
    const simulated = await command(
      folder,
      "run",
      "trial.toml",
      "--set",
      'execution.executor="onnxruntime-web"',
      "--json",
    );
    expect(simulated.lines().at(-1)!["modelHash"]).toBe(hash);
  });

  it("sums masked updates of browsers to the model of a simulation", { timeout: 3 * DEADLINE }, async () => {
    const { server, open } = await serve(secure, "--demo-data");
    const pages = [await joinPage(open), await joinPage(open), await joinPage(open)];
    for (const page of pages) await page.getByRole("button", { name: "Start training" }).click();
    const { code, lines } = await server.ended;
    const rounds = lines().filter(({ type }) => type === "round.finished");
    expect([code, rounds.length]).toEqual([0, 2]);
    for (const round of rounds) expect(round).toMatchObject({ secureAggregation: { survivors: 3 } });
    const wasm = ["--set", 'execution.executor="onnxruntime-web"', "--json"];
    const simulated = await command(folder, "run", "trial.toml", ...wasm);
    expect(simulated.lines().at(-1)!["modelHash"]).toBe(lines().at(-1)!["modelHash"]);
  });

  it("trains on tables that people choose; classes are matched by name", { timeout: 2 * DEADLINE }, async () => {
    await writeFile(join(folder, "central.csv"), table(60, ["no", "yes"]));
    const { server, open } = await serve(ofTables);
    for (const classes of [["yes"], ["no", "yes"]]) {
      const page = await newPage();
      await page.goto(open.joinLink);
      const buffer = Buffer.from(table(20, classes));
      await page.getByLabel("CSV file").setInputFiles({ name: "mine.csv", mimeType: "text/csv", buffer });
      await page.getByLabel("Column with the class").selectOption("sick");
      await page.getByRole("button", { name: "Start training" }).click();
    }
    const { code, lines } = await server.ended;
    const rounds = lines().filter(({ type }) => type === "round.finished");
    expect([code, ...rounds.map(({ clients, examples }) => [clients, examples])]).toEqual([0, [2, 40], [2, 40]]);
  });

  it("lets one tab of a browser take part, and a client leave", { timeout: 2 * DEADLINE }, async () => {
    const { open } = await serve(trial(3), "--demo-data");
    const page = await joinPage(open);
    expect(page.url()).not.toContain("token");
    await page.getByRole("button", { name: "Start training" }).click();
    await page.getByText("client 0", { exact: true }).waitFor({ timeout: DEADLINE });
    const second = await page.context().newPage();
    await second.goto(open.joinLink);
    await second.getByRole("button", { name: "Start training" }).click();
    await second
      .getByText("Another tab of this browser takes part in this run already.")
      .waitFor({ timeout: DEADLINE });
    await page.getByRole("button", { name: "Leave" }).click();
    await page.getByText("You have left the run").waitFor({ timeout: DEADLINE });
  });

  it("says what is wrong with a link", { timeout: 2 * DEADLINE }, async () => {
    const { open } = await serve(trial(3), "--demo-data");
    const [address] = open.joinLink.split("#");
    const page = await newPage();
    await page.goto(`${address}`);
    await page.getByText("This link has no token").waitFor();
    await page.goto("about:blank");
    await page.goto(`${address}#token=wrong`);
    await page.getByRole("button", { name: "Start training" }).click();
    const alert = page.getByRole("alert");
    await alert.getByText("Training has stopped").waitFor({ timeout: DEADLINE });
    expect(await alert.innerText()).toMatch(/token/i);
    const [server] = servers;
    server!.child.kill("SIGKILL");
    await server!.ended;
    await page.getByRole("button", { name: "Join again" }).click();
    await page.getByText("Connection lost: the server cannot be reached.").waitFor({ timeout: DEADLINE });
  });

  it("is shown and steered by the page of the run", { timeout: 3 * DEADLINE }, async () => {
    const { server, open } = await serve(trial(200), "--demo-data");
    const pages = [await joinPage(open), await joinPage(open)];
    const [join] = pages;
    await expectAccessible(join!, "join");
    for (const page of pages) await page.getByRole("button", { name: "Start training" }).click();
    const run = await newPage();
    await run.goto(open.url);
    await run.getByRole("cell", { name: "0", exact: true }).first().waitFor({ timeout: DEADLINE });
    await expect.poll(() => factOf(run, "Test accuracy"), { timeout: DEADLINE }).toMatch(/%/);
    await expectAccessible(join!, "training");
    await run.getByLabel(/^Operator token/).fill(open.operatorToken);
    await run.getByRole("button", { name: "Unlock" }).click();
    await run.getByRole("button", { name: "Pause" }).click();
    await run.getByRole("status").getByText("paused").waitFor();
    await expectAccessible(run, "run");
    await run.getByRole("button", { name: "Resume" }).click();
    await run.getByRole("status").getByText("running").waitFor();
    await run.getByRole("button", { name: "eject client 1" }).click();
    await run.getByRole("cell", { name: "ejected" }).waitFor();
    await run.getByRole("button", { name: "Stop", exact: true }).click();
    await run.getByRole("button", { name: "Stop the run" }).click();
    const { code, lines } = await server.ended;
    expect([code, lines().at(-1)]).toEqual([130, expect.objectContaining({ stopped: "interrupted" })]);
    await run.getByRole("status").getByText("interrupted").waitFor();
  });

  it("is one of the list where a server has several, with a page of its own", { timeout: 2 * DEADLINE }, async () => {
    await writeFile(join(folder, "other.toml"), trial(3).replace(/^name = .*$/m, 'name = "other"'));
    const { server, open } = await serve(trial(3), "other.toml");
    await server.shows('"name":"other"');
    const page = await newPage();
    await page.goto(open.url);
    await page.getByRole("heading", { name: "Runs of this server" }).waitFor({ timeout: DEADLINE });
    await expect.poll(() => page.getByRole("cell", { name: "waiting for clients" }).count()).toBe(2);
    await expectAccessible(page, "list");
    await page.getByRole("link", { name: open.name, exact: true }).click();
    await page.getByRole("heading", { name: open.name, exact: true }).waitFor();
    expect(page.url()).toBe(open.page);
    await page.getByText(`Run ${open.run}`).waitFor();
    await page.getByLabel(/^Operator token/).fill(open.operatorToken);
    await page.getByRole("button", { name: "Unlock" }).click();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("status").getByText("paused").waitFor();
    await page.getByRole("link", { name: "All runs of this server" }).click();
    await page.getByRole("cell", { name: "paused" }).waitFor();
    await page.getByRole("link", { name: open.name === "other" ? "browser trial" : "other", exact: true }).click();
    // the token of one run is not sent to another
    await page.getByLabel(/^Operator token/).waitFor();
  });
});

/** Starts a server and waits until clients can join. */
async function serve(config: string, ...flags: string[]): Promise<{ readonly server: Spawned; readonly open: Open }> {
  await writeFile(join(folder, "trial.toml"), config);
  const server = startCommand(folder, "serve", "trial.toml", "--port", "0", "--task-timeout", "15", "--json", ...flags);
  servers.push(server);
  let text = "";
  server.child.stdout?.on("data", (chunk: string) => {
    text += chunk;
  });
  await server.shows("serve.open");
  await expect.poll(() => text).toContain("\n");
  return { server, open: JSON.parse(text.slice(0, text.indexOf("\n"))) as Open };
}

/** A page of a browser of its own, on which nothing may go wrong unseen. */
async function newPage(): Promise<Page> {
  const context = await browser.newContext();
  contexts.push(context);
  context.setDefaultTimeout(DEADLINE / 4);
  const page = await context.newPage();
  page.on("pageerror", (error) => expect.soft(error.message).toBe(""));
  return page;
}

async function joinPage({ joinLink }: Open): Promise<Page> {
  const page = await newPage();
  await page.goto(joinLink);
  await page.getByText("A share of the demo data").waitFor();
  return page;
}

function factOf(page: Page, name: string): Promise<string> {
  return page
    .locator("dl.facts div", { has: page.getByText(name, { exact: true }) })
    .locator("dd")
    .innerText();
}
