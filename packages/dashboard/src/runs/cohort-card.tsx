import { formatPlural } from "../format.ts";

const mostShown = 100;

/** The clients of the round that is under way, or of the last one. */
export function CohortCard({ cohort, isRunning }: { cohort: readonly number[]; isRunning: boolean }) {
  if (cohort.length === 0) return null;
  const more = cohort.length - mostShown;
  return (
    <section class="card">
      <h2>{isRunning ? "Cohort of this round" : "Cohort of the last round"}</h2>
      <p>
        {`${formatPlural(cohort.length, "client")}: ${cohort.slice(0, mostShown).join(", ")}`}
        {more > 0 && ` and ${more} more`}
      </p>
    </section>
  );
}
