import { Chart } from "./chart.tsx";
import type { Round } from "./history.ts";

/** Loss and accuracy over the rounds; the error in place of the accuracy where numbers are predicted. */
export function Curves({ rounds }: { rounds: readonly Round[] }) {
  const numbers = rounds.map(({ round }) => round);
  const hasErrors = rounds.some(({ rmse }) => Number.isFinite(rmse));
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
        title={hasErrors ? "Test error" : "Test accuracy"}
        rounds={numbers}
        lines={[
          hasErrors
            ? { name: "RMSE", values: rounds.map(({ rmse }) => rmse), colour: "--accent" }
            : { name: "Accuracy", values: rounds.map(({ accuracy }) => accuracy), colour: "--accent" },
        ]}
      />
    </div>
  );
}
