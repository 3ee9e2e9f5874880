import { AnabranchError } from "@anabranch/engine";
import { type Layout, type LayoutEntry, subLayout } from "../params/layout.ts";

/** Blocks where the user does not say how many; fewer for models with fewer layers. */
const DEFAULT_BLOCKS = 5;

/**
 * Cuts a model into blocks for methods whose clients send one each: the layers besides the head, in the order of the
 * model, in runs of about equal numbers of parameters. The head (every entry of role "head") belongs to all blocks.
 * Returns for each block the layout of its entries and the head's. `blocks` undefined: 5, or as many as there are layers.
 * Throws `algorithm/blocks` where there are fewer layers than blocks, or fewer than two and `blocks` is undefined: a single
 * block saves nothing, so it must be asked for.
 *
 * @example
 * ```ts
 * import { layout, mlp, modelBlocks } from "@anabranch/core";
 * const model = layout(mlp({ input: [4], hidden: [8, 8], classes: 2 }).parameters);
 * modelBlocks(model, 2, "fedbcgd").length; // => 2
 * ```
 */
export function modelBlocks(model: Layout, blocks: number | undefined, method: string): Layout[] {
  const layers = model.blocks.filter((layer) => ownEntries(model, layer).length > 0);
  if (layers.length < (blocks === undefined ? 2 : 1)) throw nothingToCut(layers, method);
  const count = blocks ?? Math.min(DEFAULT_BLOCKS, layers.length);
  if (count > layers.length) throw tooFewLayers(count, layers, method);
  const sizes = layers.map((layer) => ownEntries(model, layer).reduce((sum, { size }) => sum + size, 0));
  return balancedRuns(sizes, count).map(([from, to]) => {
    const run = new Set(layers.slice(from, to));
    return subLayout(model, (entry) => isShared(entry) || run.has(entry.block));
  });
}

/**
 * Cuts a list into `count` runs [from, to) of at least one item and about equal sums, greedily: a run takes the next item
 * while at least half of it fits below the mean of what is left for the runs not yet closed.
 */
export function balancedRuns(sizes: readonly number[], count: number): (readonly [from: number, to: number])[] {
  const runs: [number, number][] = [];
  let left = sizes.reduce((a, b) => a + b, 0);
  let from = 0;
  for (let open = count; open > 0; open--) {
    const goal = left / open;
    let [to, sum] = [from, 0];
    const fits = () => open === 1 || sum + sizes[to]! / 2 <= goal;
    // the runs after this one need an item each
    while (to === from || (to < sizes.length - (open - 1) && fits())) sum += sizes[to++]!;
    runs.push([from, to]);
    left -= sum;
    from = to;
  }
  return runs;
}

function isShared({ role }: LayoutEntry): boolean {
  return role === "head";
}

function ownEntries({ entries }: Layout, layer: string): readonly LayoutEntry[] {
  return entries.filter((entry) => entry.block === layer && !isShared(entry));
}

function nothingToCut(layers: readonly string[], method: string): AnabranchError {
  return new AnabranchError({
    code: "algorithm/blocks",
    message: "the model has too few layers to cut into blocks",
    where: `algorithm.name = "${method}"`,
    received: layers.length === 0 ? "no layer besides the head" : `one layer besides the head: ${layers[0]}`,
    expected: "at least two",
    advice:
      "Every client would send everything: take a deeper model, or fedavgm or scaffold." +
      (layers.length === 0 ? "" : " algorithm.blocks = 1 does it all the same."),
  });
}

function tooFewLayers(blocks: number, layers: readonly string[], method: string): AnabranchError {
  return new AnabranchError({
    code: "algorithm/blocks",
    message: "there are more blocks than layers",
    where: "algorithm.blocks",
    received: `${blocks} for ${method}`,
    expected: `at most ${layers.length}: the layers besides the head are ${layers.join(", ")}`,
    advice: `A block is a run of whole layers and the head goes with every block. Set algorithm.blocks = ${layers.length} or less.`,
  });
}
