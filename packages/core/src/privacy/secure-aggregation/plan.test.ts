import { expect, it } from "vitest";
import type { SecurePlan } from "./check-plan.ts";
import { connectedMembers, neighbourhoods } from "./plan.ts";
import { testPlan } from "./testing/rounds.ts";

/** The same by a walk over the graph. */
function walked(plan: SecurePlan, client: number, members: ReadonlySet<number>): number {
  const graph = neighbourhoods(plan);
  const reached = new Set([client]);
  for (const here of reached) for (const other of graph.get(here)!) if (members.has(other)) reached.add(other);
  return reached.size;
}

it.each([
  { clients: 3, degree: 2 },
  { clients: 5, degree: 2 },
  { clients: 6, degree: 4 },
  { clients: 9, degree: 4 },
])("counts whom a member of a sum is connected with: $clients clients, degree $degree", ({ clients, degree }) => {
  const plan = testPlan(clients, { degree, threshold: degree });
  const { cohort } = plan;
  for (let bits = 1; bits < 2 ** clients; bits++) {
    const members = new Set(cohort.filter((_, i) => (bits >> i) & 1));
    for (const client of members)
      expect(connectedMembers(plan, client, members), `${[...members]}`).toBe(walked(plan, client, members));
  }
});
