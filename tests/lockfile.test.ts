import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

interface LockEntry {
  readonly version?: string;
  readonly link?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

interface LockFile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockEntry>>;
}

const lock: LockFile = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
/** Packages that npm fetches: neither the workspace's own folders nor the links to them. */
const fetched = Object.entries(lock.packages).filter(
  ([path, entry]) => path.includes("node_modules/") && entry.link !== true,
);

describe("package-lock.json", () => {
  it("has a SHA-512 hash of every package that npm fetches", () => {
    expect(fetched.length).toBeGreaterThan(100);
    const without = fetched.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ""));
    expect(without.map(([path]) => path)).toEqual([]);
  });

  it("has an exact version of each, and names no registry", () => {
    const loose = fetched.filter(([, { version }]) => !/^\d+\.\d+\.\d+/.test(version ?? ""));
    expect(loose.map(([path]) => path)).toEqual([]);
    const addresses = Object.entries(lock.packages).filter(([, { resolved }]) => resolved?.includes(":"));
    expect(addresses.map(([path]) => path)).toEqual([]);
  });

  // npm 10 to 12 run the install scripts of the packages that the lock file marks. That of onnxruntime-node downloads
  // CUDA, unless a setting stops it that npm 11 warns about before each command.
  it("marks no package with an install script but node", () => {
    const marked = fetched.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect(marked.map(([path]) => path)).toEqual(["node_modules/node"]);
  });
});

describe(".npmrc", () => {
  it("has settings that npm knows", () => {
    const cwd = fileURLToPath(new URL("..", import.meta.url));
    const { stdout, stderr } = spawnSync("npm", ["config", "get", "audit"], { cwd, encoding: "utf8" });
    expect(stdout.trim()).toBe("false");
    expect(stderr).not.toContain("Unknown project config");
  });
});
