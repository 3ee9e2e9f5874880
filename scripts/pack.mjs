// Makes a workspace package ready for `npm pack` (prepack) and puts it back afterwards (postpack).
//
// In the repository a package's exports are its sources, which Node runs without a build step; Node refuses to do that
// below node_modules, so a packed manifest has to name the compiled files. npm knows no other manifest for a tarball
// than package.json itself: prepack therefore rewrites it, after everything that can fail has succeeded and by one
// rename, and keeps the original beside it as package.json.source. If npm dies before postpack, the manifest names
// files that exist and were just compiled, the architecture test and `git status` show what is left, and the next
// prepack or `node scripts/pack.mjs restore packages/*` puts the original back.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { root } from "./set-up.mjs";

/** Files of the repository's root that every package carries. */
const LEGAL = ["LICENSE", "NOTICE"];

/** Examples that `anabranch new --template` writes. */
const TEMPLATES = [
  ...["quickstart.toml", "private.toml", "secure.toml", "sweep.toml"],
  ...["own-model.ts", "own-algorithm.ts"],
];

/** Compiles a package to dist, adds its assets and licence, and rewrites its manifest. */
function prepare(folder) {
  restore(folder);
  const dist = join(folder, "dist");
  compile(folder, dist);
  cpSync(join(folder, "src"), dist, { recursive: true, filter: isAsset });
  if (basename(resolve(folder)) === "node") {
    buildPages(join(dist, "pages"));
    mkdirSync(join(dist, "examples"));
    for (const file of TEMPLATES) cpSync(join(root, "examples", file), join(dist, "examples", file));
  }
  for (const file of LEGAL) cpSync(join(root, file), join(folder, file));
  const manifest = join(folder, "package.json");
  const text = readFileSync(manifest, "utf8");
  const packed = `${manifest}.packed`;
  writeFileSync(packed, `${JSON.stringify(packedManifest(JSON.parse(text)), null, 2)}\n`);
  writeFileSync(`${manifest}.source`, text);
  renameSync(packed, manifest);
}

/** Undoes `prepare`, also a `prepare` whose postpack never ran; does nothing where there is nothing to undo. */
function restore(folder) {
  const manifest = join(folder, "package.json");
  if (!existsSync(`${manifest}.source`)) return;
  for (const file of LEGAL) rmSync(join(folder, file), { force: true });
  renameSync(`${manifest}.source`, manifest);
}

/** The manifest of the tarball: exports of compiled files with their types, and no scripts of the repository. */
function packedManifest({ scripts: _, ...manifest }) {
  const exports = Object.entries(manifest.exports).map(([subpath, source]) => {
    const target = source.replace("./src/", "./dist/").replace(/\.ts$/, "");
    return [subpath, { types: `${target}.d.ts`, default: `${target}.js` }];
  });
  return { ...manifest, exports: Object.fromEntries(exports) };
}

/** The pages that the server serves are part of its package. */
function buildPages(output) {
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const pages = join(root, "packages", "dashboard");
  const places = ["--config", join(pages, "vite.config.ts"), "--outDir", resolve(output), "--emptyOutDir"];
  const args = [vite, "build", pages, ...places, "--logLevel", "warn"];
  const { status, error } = spawnSync(process.execPath, args, { stdio: ["ignore", 2, 2] });
  if (error) throw error;
  if (status !== 0) throw new Error(`the pages were not built (exit code ${status}); nothing was changed`);
}

/** One run of the compiler covers all packages, since they see each other's sources; the package takes its part. */
function compile(folder, dist) {
  const output = mkdtempSync(join(tmpdir(), "anabranch-build-"));
  try {
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const args = [compiler, "-p", join(root, "tsconfig.build.json"), "--outDir", output];
    const { status, error } = spawnSync(process.execPath, args, { stdio: ["ignore", 2, 2] });
    if (error) throw error;
    if (status !== 0) throw new Error(`the compiler ended with exit code ${status}; nothing was changed`);
    const part = join(output, relative(join(root, "packages"), folder), "src");
    for (const file of filesBelow(part)) if (/\.(d\.ts|js)$/.test(file)) rewriteImports(file);
    rmSync(dist, { recursive: true, force: true });
    cpSync(part, dist, { recursive: true });
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

/**
 * The compiler rewrites "./x.ts" in code only, and not in functions that have a `using`. In declarations other tools than
 * itself stumble over it.
 */
function rewriteImports(file) {
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace(/((?:from |import\()"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
}

function filesBelow(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Folders and whatever is not TypeScript: data, styles, texts. */
function isAsset(path) {
  return !basename(path).endsWith(".ts");
}

const [action, ...folders] = process.argv.slice(2);
const act = { prepare, restore }[action];
if (act === undefined) throw new Error("usage: node scripts/pack.mjs prepare|restore [PACKAGE FOLDER...]");
for (const folder of folders.length > 0 ? folders : [process.cwd()]) act(resolve(folder));
