import { Chart } from "./chart.tsx";
import type { Round } from "./history.ts";

/** Loss and accuracy over the rounds. */
export function Curves({ rounds }: { rounds: readonly Round[] }) {
  const numbers = rounds.map(({ round }) => round);
  return (
    <div class="charts">
      <Chart
        title="Loss"
        rounds={numbers}
        lines={[
          { name: "Test loss", values: rounds.map(({ testLoss }) => testLoss), colour: "--accent" },
          { name: "Training loss", values: rounds.map(({ trainLoss }) => trainLoss), colour: "--second" },
        ]}
      />
      <Chart
        title="Test accuracy"
        rounds={numbers}
        lines={[{ name: "Accuracy", values: rounds.map(({ accuracy }) => accuracy), colour: "--accent" }]}
      />
    </div>
  );
}
