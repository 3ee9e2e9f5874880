import type { Config } from "@anabranch/core";
import { openExecutor } from "@anabranch/node";
import { type MethodSubject, prepareSubject, type SubjectSettings } from "./lib/method-subject.ts";
import { randomImages } from "./lib/random-images.ts";
import { type BenchOptions, type BenchResult, count, median } from "./lib/result.ts";
import { startTorch } from "./lib/torch-peer.ts";

/** A model on images of 28 x 28, and the bias that is nearest to its input. */
const CASES: readonly { readonly model: Config["model"]; readonly first: string }[] = [
  { model: { name: "vit", patch: 7, width: 192, depth: 4, heads: 3 }, first: "patches.bias" },
  { model: { name: "mlp", hidden: [512, 512, 512] }, first: "dense1.bias" },
  { model: { name: "lenet5" }, first: "conv1.bias" },
];

const FEDAVG = { method: "fedavg", label: "fedavg", options: {} };

/**
 * A training step with low-rank adapters (`--rank`, 8) beside its floor: forward and backward through the frozen model, with
 * no gradient but that of the bias nearest to the input. Processor time of one thread in compiled tasks of `--steps` (10) at
 * `--batch` (50), the median of `--rounds` (9) turns of all in alternating order; ratios are medians of those of each turn.
 * With `--peer torch --python PATH`, torch with PEFT takes the same steps of batch 50 and rank 8 in the same turns.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const [steps, batch] = [count(options, "steps", 10), count(options, "batch", 50)];
  const [rounds, rank] = [count(options, "rounds", 9), count(options, "rank", 8)];
  const executor = await openExecutor("onnxruntime-node");
  const data = randomImages({ shape: [1, 28, 28], train: 16 * 5 * batch, test: 10 });
  const peer = options.peer === "torch" ? await startTorch(options.python ?? "python3", "torch_lora.py") : undefined;
  const rows: BenchResult["rows"][number][] = [];
  for (const { model, first } of CASES) {
    const settings = { model, steps, batch, data };
    const kinds: readonly NonNullable<SubjectSettings["more"]>[] = [
      { parameters: { frozen: ["*", `!${first}`] } },
      { adapters: { rank } },
      {},
    ];
    const subjects: MethodSubject[] = [];
    for (const more of kinds) subjects.push(await prepareSubject(executor, FEDAVG, { ...settings, more }));
    const torch = ["floor", "lora"].map((kind) => ({
      task: async () => steps * (await peer!.measure(`${model.name}.${kind}`, steps)),
    }));
    const times = await inTurns(peer === undefined ? subjects : [...subjects, ...torch], steps, rounds);
    const over = (of: number, base: number) => median(times[of]!.map((time, turn) => time / times[base]![turn]!));
    const [floor, lora, full] = times.map(median) as [number, number, number];
    rows.push({
      label: `${model.name}, rank ${rank}`,
      values: {
        "floor, ms": floor,
        "LoRA, ms": lora,
        "all weights, ms": full,
        "LoRA / floor": over(1, 0),
        "LoRA / all": over(1, 2),
        "factors / weights": subjects[1]!.parameters / subjects[2]!.parameters,
        ...(peer && {
          "torch floor": median(times[3]!),
          "torch LoRA": median(times[4]!),
          "torch LoRA / floor": over(4, 3),
          "torch LoRA / ours": over(4, 1),
        }),
      },
    });
    for (const subject of subjects) await subject.release();
  }
  peer?.close();
  return { name: "LoRA: a step beside its floor", rows, checks: [], notes: peer ? [`torch ${peer.version}`] : [] };
}

/** [subjects][rounds] milliseconds of a step; every other turn goes backwards. */
async function inTurns(
  subjects: readonly Pick<MethodSubject, "task">[],
  steps: number,
  rounds: number,
): Promise<number[][]> {
  const times = subjects.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    const turn = [...subjects.entries()];
    for (const [i, subject] of round % 2 === 0 ? turn : turn.reverse()) {
      let [sum, tasks] = [0, 0];
      while (sum < 50) {
        sum += await subject.task();
        tasks++;
      }
      times[i]!.push(sum / tasks / steps);
    }
  }
  return times;
}
