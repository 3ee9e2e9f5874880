// Begins a new method: `npm run new:method NAME`. Writes its file, with FedAvg as the body, and lists it where methods are
// listed and tested. `npm test` then fails, with what is still to be written, until the author has filled it in.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./set-up.mjs";

const algorithms = join(root, "packages", "core", "src", "algorithms");
const fixture = join(root, "tests", "fixtures", "golden-traces.json");

/** The file of a method. The header's placeholders are refused by algorithms.test.ts. */
const method = (name, constant) => `/**
 * FILL IN ${name}: FILL IN what it does, in one sentence.
 *
 * Citation: FILL IN A. Author, B. Author, "Title", VENUE 2026, arXiv:0000.00000.
 *
 * Update rule:
 *   FILL IN y <- x;  K times: y <- y - eta * (g_i(y) + wd * y);  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: FILL IN x -> parameters -> [d]; eta -> training.learningRate -> []; eta_g -> serverLearningRate -> [];
 *   w_i -> aggregation.weighting -> [cohort]; wd -> training.weightDecay -> []
 * State: FILL IN server {parameters [d]}; client none.
 * Wire: down d, up d FILL IN.
 * Differences: FILL IN from the paper or its released code.
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

export const ${constant} = defineMethod({
  name: "${name}",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  build: ({ serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      local: localSgd(),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
`;

/** What an author still has to do. */
const remaining = (name, file) => `Wrote ${file} with FedAvg as its body, and listed it.
What is left:
  1. fill in its header, write its vectors and its two halves
  2. packages/core/src/algorithms/algorithms.test.ts: floats on the wire, goal, neutral options
  3. tests/oracles: the update rule in plain loops, listed in index.ts
  4. tests/fixtures/golden-traces.json: the rounds that "node tests/oracles/derive.ts ${name}" prints
  5. the README's list of methods, and METHODS.md: npm run docs:methods
"npm test" says which of these are missing.`;

function constantOf(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

function isReserved(word) {
  try {
    new Function(`"use strict"; let ${word};`);
    return false;
  } catch {
    return true;
  }
}

/** Ends with exit code 2. */
function refuse(message) {
  console.error(`new:method: ${message}`);
  process.exit(2);
}

function requireName(name) {
  if (name === undefined) refuse("no name given. Usage: npm run new:method NAME");
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    refuse(`"${name}" is not a name such as "fedavg" or "dp-fedavg": lower-case letters, digits and hyphens`);
  if (isReserved(constantOf(name))) refuse(`"${name}" is a word of the language`);
  const file = `${name}.ts`;
  if (existsSync(join(algorithms, file))) refuse(`packages/core/src/algorithms/${file} exists`);
  const constant = new RegExp(`\\b(name: "${name}"|const ${constantOf(name)}\\b)`);
  const taken = readdirSync(algorithms)
    .filter((other) => other.endsWith(".ts") && !other.endsWith(".test.ts"))
    .find((other) => constant.test(readFileSync(join(algorithms, other), "utf8")));
  if (taken !== undefined) refuse(`packages/core/src/algorithms/${taken} has a method of this name`);
}

/** A text with a line among those that name a file of the folder, in the order of the files. */
function withLine(path, line, pattern) {
  const lines = readFileSync(path, "utf8").split("\n");
  const stem = pattern.exec(line)[1];
  const later = lines.findIndex((other) => pattern.test(other) && pattern.exec(other)[1] > stem);
  const last = lines.findLastIndex((other) => pattern.test(other));
  if (last < 0) refuse(`${path} has no line such as: ${line}`);
  return lines.toSpliced(later < 0 ? last + 1 : later, 0, line).join("\n");
}

function replaced(path, text, from, to) {
  if (!text.includes(from)) refuse(`${path} has no: ${from}`);
  return text.replace(from, () => to);
}

const [name] = process.argv.slice(2);
requireName(name);
const constant = constantOf(name);
const file = join(algorithms, `${name}.ts`);
const listPath = join(algorithms, "methods.ts");
const testPath = join(algorithms, "algorithms.test.ts");
const key = name === constant ? name : `"${name}"`;
const entry = `  ${key}: { create: ${constant}, wire: { down: 1, up: 1 }, converges: quick },\n};\n\nconst native`;
const imported = withLine(testPath, `import { ${constant} } from "./${name}.ts";`, /^import .* from "\.\/(.+)\.ts";$/);
const trace = `    },\n    {\n      "algorithm": {\n        "name": "${name}"\n      },\n      "problem": "vector",\n      "rounds": []\n    }\n  ]\n}\n`;
// all texts are made before the first is written
const texts = [
  [file, method(name, constant)],
  [listPath, withLine(listPath, `export { ${constant} } from "./${name}.ts";`, /^export .* from "\.\/(.+)\.ts";$/)],
  [testPath, replaced(testPath, imported, "};\n\nconst native", entry)],
  [fixture, replaced(fixture, readFileSync(fixture, "utf8"), "    }\n  ]\n}\n", trace)],
];
for (const [path, text] of texts) writeFileSync(path, text);
console.log(remaining(name, `packages/core/src/algorithms/${name}.ts`));
