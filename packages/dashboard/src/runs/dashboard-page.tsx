import { FailureCard } from "../failure-card.tsx";
import { TokenForm } from "../view/token-form.tsx";
import { useAnnouncedView } from "./announce-view.ts";
import { CompareView } from "./compare-view.tsx";
import type { Dashboard } from "./dashboard.ts";
import { ListView } from "./list-view.tsx";
import { NewRunView } from "./new-run-view.tsx";
import type { Route } from "./route.ts";
import { RunView } from "./run-view.tsx";
import type { Started } from "./started.ts";
import { StartedCard } from "./started-card.tsx";

/** The page of `anabranch dashboard`. */
export function DashboardPage({ dashboard }: { dashboard: Dashboard }) {
  const { value: route } = dashboard.route;
  useAnnouncedView(route);
  const { value: problem } = dashboard.problem;
  const started = dashboard.list.value?.started;
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
      {started !== undefined && isNews(started, route.view) && <StartedCard dashboard={dashboard} started={started} />}
      {route.view === "new" && <NewRunView dashboard={dashboard} />}
      {route.view === "run" && <RunView key={route.folder} dashboard={dashboard} folder={route.folder} />}
      {route.view === "compare" && (
        <CompareView key={route.folders.join("/")} dashboard={dashboard} folders={route.folders} />
      )}
      {route.view === "list" && <ListView dashboard={dashboard} />}
    </main>
  );
}

/** A run that has ended well is in the list like any other. */
function isNews({ state, failure }: Started, view: Route["view"]): boolean {
  return state !== "none" && (state !== "ended" || (failure !== null && view !== "run") || view === "new");
}
