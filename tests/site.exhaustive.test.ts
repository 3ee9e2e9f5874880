import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./source-files.ts";

it("builds the site of guides and API without a warning", () => {
  const site = mkdtempSync(join(tmpdir(), "anabranch-site-"));
  const typedoc = join(root, "node_modules", "typedoc", "bin", "typedoc");
  const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, "--out", site], {
    cwd: root,
    encoding: "utf8",
  });
  const warnings = (stdout + stderr).split("\n").filter((line) => /warning|error/i.test(line));
  expect({ status, warnings }).toEqual({ status: 0, warnings: [] });
  for (const page of ["index.html", "documents/docs_tutorial.html", "functions/node_src.simulate.html"]) {
    expect(existsSync(join(site, page)) ? "" : page).toBe("");
  }
  rmSync(site, { recursive: true, force: true });
});
