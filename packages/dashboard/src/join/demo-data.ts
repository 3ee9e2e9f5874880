/** Name of the data set of which the server gives out shares; undefined where it gives out none. */
export async function demoDataset(api: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${api}/demo-data`);
    const answer: unknown = response.ok ? await response.json() : undefined;
    if (typeof answer !== "object" || answer === null || !("dataset" in answer)) return undefined;
    return typeof answer.dataset === "string" ? answer.dataset : undefined;
  } catch {
    return undefined;
  }
}
