import { AnabranchError } from "@anabranch/engine";
import { shareOf } from "./structured-pruning.ts";

/**
 * Offsite tuning: a server that does not give its model away sends the first and last layers, which clients train, and an
 * emulator of the middle, evenly chosen layers of it.
 *
 * Citation: G. Xiao, J. Lin, S. Han, "Offsite-Tuning: Transfer Learning without Full Model", 2023, arXiv:2302.04870, section
 * 3.2, as in W. Kuang et al., "FederatedScope-LLM", KDD 2024, arXiv:2309.00363. No distillation.
 * @param layers n
 * @param adapterLayers layers at each end that clients train
 * @param dropFraction share of the middle layers that the emulator leaves out; 0: all of the model
 * @throws `adapters/option` where the ends overlap
 * @example
 * ```ts
 * import { offsiteEmulator } from "@anabranch/core";
 * offsiteEmulator(8, 1, 0.5); // => { adapters: [0, 7], emulator: [1, 4, 6] }
 * ```
 */
export function offsiteEmulator(
  layers: number,
  adapterLayers: number,
  dropFraction: number,
): { readonly adapters: readonly number[]; readonly emulator: readonly number[] } {
  const middle = layers - 2 * adapterLayers;
  if (middle < 0) {
    throw new AnabranchError({
      code: "adapters/option",
      message: "the layers to train at both ends overlap",
      where: "adapterLayers",
      received: `${adapterLayers} at each end of ${layers} layers`,
      expected: `at most ${Math.floor(layers / 2)}`,
    });
  }
  const kept = middle - shareOf(middle, dropFraction);
  const spacing = kept > 1 ? (middle - 1) / (kept - 1) : 0;
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  return {
    adapters: [...range(0, adapterLayers), ...range(layers - adapterLayers, adapterLayers)],
    emulator: range(0, kept).map((j) => adapterLayers + Math.floor(j * spacing + 0.5)),
  };
}
