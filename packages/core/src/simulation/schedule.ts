import type { Config } from "../config/index.ts";

/** Local learning rate of a round (1-based): constant, exponential decay a round, or cosine to zero over the run. */
export function learningRateSchedule(config: Pick<Config, "rounds" | "training">): (round: number) => number {
  const { learningRate, schedule, decay } = config.training;
  switch (schedule) {
    case "constant":
      return () => learningRate;
    case "exponential":
      return (round) => learningRate * decay ** (round - 1);
    case "cosine":
      return (round) => 0.5 * learningRate * (1 + Math.cos((Math.PI * (round - 1)) / config.rounds));
  }
}
