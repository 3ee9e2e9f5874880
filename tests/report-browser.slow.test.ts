import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectAccessible } from "./fixtures/accessibility.ts";
import { findChromium, launchChromium } from "./fixtures/chromium.ts";

/** Reports in a real browser. They are written by a process of their own: their script is the text of the functions. */
const executablePath = findChromium("4 tests of reports");
const DEADLINE = 120_000; // milliseconds
const source = join(import.meta.dirname, "..", "packages", "node", "src", "report");
const hostile = '<img src=x onerror="document.title=1">';

const WRITE = `
import { writeFileSync } from "node:fs";
const [source, folder, hostile] = process.argv.slice(1);
const { report, groupReport } = await import(source + "/report.ts");
const { parseRun } = await import(source + "/run-data.ts");
const { syntheticRun } = await import(source + "/synthetic-run.ts");
const run = (name, seed, plateau) => parseRun(syntheticRun({ name, seed, plateau, rounds: 40, clients: 30 }));
const named = JSON.stringify(hostile);
const texts = syntheticRun({ rounds: 40 });
const events = texts.events.replaceAll('"name":"quickstart"', '"name":' + named);
writeFileSync(folder + "/single.html", report(parseRun({ ...texts, events })));
const groups = ["fedavg", hostile].flatMap((method, i) =>
  ["alpha 0.1", "alpha 1"].map((setting) => ({ method, setting, runs: [1, 2].map((seed) => run("r", seed, 0.6 + i / 10)) })),
);
writeFileSync(folder + "/sweep.html", groupReport(groups));
`;

describe.skipIf(executablePath === undefined)("a report in a browser", () => {
  const folder = mkdtempSync(join(tmpdir(), "anabranch-report-page-"));
  let browser: Browser;
  const errors: string[] = [];

  beforeAll(async () => {
    const args = ["--input-type=module", "-e", WRITE, pathToFileURL(source).href, folder, hostile];
    execFileSync(process.execPath, args, { timeout: DEADLINE });
    browser = await launchChromium(executablePath!, DEADLINE);
  }, DEADLINE);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  }, DEADLINE);

  async function open(name: string, width = 1280): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    page.on("console", (message) => errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(pathToFileURL(join(folder, `${name}.html`)).href, { timeout: DEADLINE });
    return page;
  }

  it.each(["single", "sweep"])("%s is accessible, wide and narrow, light and dark", async (name) => {
    const page = await open(name);
    await expectAccessible(page, `report-${name}`);
    expect(errors).toEqual([]);
    await page.close();
  });

  it("draws its charts at the width of a phone, without smaller text", async () => {
    const page = await open("sweep", 375);
    const widths = (await page.evaluate(
      "[...document.querySelectorAll('.drawing svg')].map((svg) => [svg.getBoundingClientRect().width, svg.viewBox.baseVal.width])",
    )) as [number, number][];
    expect(widths.length).toBeGreaterThan(10);
    for (const [shown, drawn] of widths) {
      expect(drawn).toBeLessThan(375);
      expect(shown).toBe(drawn);
    }
    await page.close();
  });

  it("shows values where one points, and a part of the rounds where one drags", async () => {
    const page = await open("sweep");
    const chart = page.locator("[data-plot='0']");
    await chart.scrollIntoViewIfNeeded();
    const box = (await chart.locator(".drawing").boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 120);
    const tip = chart.locator(".tip");
    expect(await tip.textContent()).toMatch(/^round \d+fedavg: [\d.]+ \([\d.]+ to [\d.]+\)/);
    expect(await tip.textContent()).toContain(`${hostile}: `);
    expect(await page.title()).not.toBe("1");
    const ticks = () => chart.locator("svg text").allTextContents();
    const before = await ticks();
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + 120, { steps: 4 });
    await page.mouse.up();
    expect(await ticks()).not.toEqual(before);
    await chart.getByRole("button", { name: "Whole range" }).click();
    expect(await ticks()).toEqual(before);
    const curves = await chart.locator("svg path[fill=none]").count();
    await page.getByRole("checkbox").check();
    expect(await chart.locator("svg path[fill=none]").count()).toBe(curves + 2);
    await page.close();
  });
});
