import { AnabranchError, type Config } from "@anabranch/core";
import type { Executor } from "@anabranch/engine";
import { openExecutor } from "@anabranch/node";
import { methodCatalog } from "../packages/node/src/docs/method-catalog.ts";
import { COHORT, type MethodSubject, prepareSubject, type SubjectSettings } from "./lib/method-subject.ts";
import { type MethodVariant, methodVariants } from "./lib/method-variants.ts";
import { randomImages } from "./lib/random-images.ts";
import { type BenchOptions, type BenchResult, type BenchRow, count, median } from "./lib/result.ts";

/** What the others are measured against: plain SGD. */
const BASE = "fedavg";

/** Milliseconds of processor time in a measurement; where the clock does not tell so much, four times that on the wall. */
const LEAST_TIME = 50;

/** Models on images of 28 x 28. */
const models: Readonly<Record<string, Config["model"]>> = {
  lenet5: { name: "lenet5" },
  vit: { name: "vit", patch: 7, width: 64, depth: 4 },
  // what normalization costs: --model mlp,mlp-batch --only fedavg
  mlp: { name: "mlp" },
  "mlp-batch": { name: "mlp", norm: "batch" },
  cnn: { name: "cnn-28x28" },
  "cnn-batch": { name: "cnn-28x28", norm: "batch" },
  "resnet8-group": { name: "resnet8" },
  "resnet8-batch": { name: "resnet8", norm: "batch" },
};

/**
 * What a local step of every method costs beside one of plain SGD, in processor time of one thread, with the gradients it
 * asks for and its wire cost. `--model lenet5` (default), `vit` or others of `models`, with commas; `--only fedsam,local` to choose methods;
 * `--steps` (default 10) of a task, `--batch` (default 50), `--rounds` (default 7) of all methods in turn.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const [steps, batch, rounds] = [
    count(options, "steps", 10),
    count(options, "batch", 50),
    count(options, "rounds", 7),
  ];
  const names = (options.model ?? "lenet5").split(",");
  const strange = names.find((name) => models[name] === undefined);
  if (strange !== undefined) throw new Error(`--model takes ${Object.keys(models).join(", ")}, received "${strange}"`);
  const variants = chosenVariants(options.only);
  const executor = await openExecutor("onnxruntime-node");
  const data = randomImages({ shape: [1, 28, 28], train: COHORT * 5 * batch, test: 10 });
  const rows: BenchRow[] = [];
  const notes = [
    `time: processor time of one thread in the compiled task of ${steps} steps at batch ${batch} (begin and end included), ` +
      "over its steps; of short tasks the mean of several; median of turns in alternating order",
    `x ${BASE}: median over the turns of the time over ${BASE}'s in the same turn`,
    `work that is due every few steps (a preconditioner's roots) counts as often as it falls into ${steps} steps from the first`,
    "gradients: of a mini-batch in a step, as traced; products with second derivatives show in the time alone",
    "down, up: floats in one client's encoded messages without their headers, over d (mean over parts); declared: what the header says",
  ];
  for (const name of names) {
    const settings = { model: models[name]!, steps, batch, data };
    const { subjects, misfits } = await prepareAll(executor, variants, settings);
    const times = await takeTurns(subjects, steps, rounds);
    rows.push(...subjects.map((subject, i) => row(name, subject, times[i]!, times[0]!)));
    notes.push(`${name}: d = ${subjects[0]!.parameters}`, ...misfits.map((misfit) => `not on ${name}: ${misfit}`));
    for (const subject of subjects) await subject.release();
  }
  return { name: "methods: the cost of a local step", rows, checks: [], notes };
}

/** Plain SGD, then the variants of the methods named. */
function chosenVariants(only: string | undefined): MethodVariant[] {
  const all = methodVariants();
  const wanted = only?.split(",") ?? all.map(({ method }) => method);
  const strange = wanted.filter((name) => all.every(({ method }) => method !== name));
  if (strange.length > 0) throw new Error(`--only takes names of methods, received ${strange.join(", ")}`);
  const others = all.filter(({ method, label }) => label !== BASE && wanted.includes(method));
  return [...all.filter(({ label }) => label === BASE), ...others];
}

/** Loads every variant; those that cannot train this model are named with the reason. */
async function prepareAll(executor: Executor, variants: readonly MethodVariant[], settings: SubjectSettings) {
  const subjects: MethodSubject[] = [];
  const misfits: string[] = [];
  for (const variant of variants) {
    try {
      subjects.push(await prepareSubject(executor, variant, settings));
    } catch (error) {
      if (!(error instanceof AnabranchError) || variant.label === BASE) throw error;
      misfits.push(`${variant.label}: ${error.message.replaceAll(/\s*\n\s*/g, "; ")}`);
    }
  }
  return { subjects, misfits };
}

/** [subjects][rounds] milliseconds of a step; every other turn goes backwards. */
async function takeTurns(subjects: readonly MethodSubject[], steps: number, rounds: number): Promise<number[][]> {
  const times = subjects.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    const turn = [...subjects.entries()];
    for (const [i, subject] of round % 2 === 0 ? turn : turn.reverse())
      times[i]!.push((await taskTime(subject)) / steps);
  }
  return times;
}

/** Milliseconds of a task: the mean of as many as a clock of coarse ticks needs, which may stand still over a short one. */
async function taskTime(subject: MethodSubject): Promise<number> {
  const started = performance.now();
  let [sum, tasks] = [0, 0];
  do {
    sum += await subject.task();
    tasks += 1;
  } while (sum < LEAST_TIME && performance.now() - started < 4 * LEAST_TIME);
  return sum / tasks;
}

function row(model: string, subject: MethodSubject, own: readonly number[], base: readonly number[]): BenchRow {
  const { variant, gradientsPerStep, parameters, down, up } = subject;
  const { wire } = methodCatalog().find(({ name }) => name === variant.method)!;
  return {
    label: `${model}, ${variant.label}`,
    values: {
      "ms/step": median(own),
      best: Math.min(...own),
      [`x ${BASE}`]: median(own.map((time, turn) => time / base[turn]!)),
      gradients: String(gradientsPerStep),
      "down/d": down / parameters,
      "up/d": up / parameters,
      declared: `down ${wire.down}; up ${wire.up}`,
    },
  };
}
