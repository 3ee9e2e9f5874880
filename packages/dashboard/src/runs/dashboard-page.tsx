import { FailureCard } from "../failure-card.tsx";
import { TokenForm } from "../view/token-form.tsx";
import { CompareView } from "./compare-view.tsx";
import type { Dashboard } from "./dashboard.ts";
import { ListView } from "./list-view.tsx";
import { RunView } from "./run-view.tsx";

/** The page of `anabranch dashboard`. */
export function DashboardPage({ dashboard }: { dashboard: Dashboard }) {
  const { value: route } = dashboard.route;
  const { value: problem } = dashboard.problem;
  if (problem?.status === 401) {
    return (
      <main class="narrow">
        <h1>Anabranch</h1>
        <FailureCard failure={problem.failure} title="This page needs its token" />
        <section class="card">
          <TokenForm
            label="Token, the part of the link after #token="
            setToken={(token) => void dashboard.setToken(token)}
          />
        </section>
      </main>
    );
  }
  return (
    <main>
      {problem !== undefined && <FailureCard failure={problem.failure} title="The page shows an earlier state" />}
      {route.view === "run" && <RunView key={route.folder} dashboard={dashboard} folder={route.folder} />}
      {route.view === "compare" && (
        <CompareView key={route.folders.join("/")} dashboard={dashboard} folders={route.folders} />
      )}
      {route.view === "list" && <ListView dashboard={dashboard} />}
    </main>
  );
}
