import { AnabranchError, type Config } from "@anabranch/core";

/** Refuses what live runs cannot do so far. Throws `live/not-yet`. */
export function requireLivePossible({ secureAggregation, privacy }: Config): void {
  if (secureAggregation.protocol !== "none") {
    throw notYet(
      "secureAggregation.protocol",
      JSON.stringify(secureAggregation.protocol),
      '"none"',
      "Clients would send plain updates. Leave the section out, or simulate it with: anabranch run",
    );
  }
  if (privacy.mechanism !== "none" && privacy.noise !== "central") {
    throw notYet(
      "privacy.noise",
      JSON.stringify(privacy.noise),
      '"central"',
      "Let the server add the noise, or simulate it with: anabranch run",
    );
  }
}

function notYet(where: string, received: string, expected: string, advice: string): AnabranchError {
  const message = "live runs do not support this setting yet";
  return new AnabranchError({ code: "live/not-yet", message, where, received, expected, advice });
}

/** Refuses to wait for more clients than a run has places. Throws `live/minimum-clients`. */
export function requireRoll(minimumClients: number, population: number): void {
  if (minimumClients >= 1 && minimumClients <= population) return;
  throw new AnabranchError({
    code: "live/minimum-clients",
    message: "the run cannot wait for so many clients",
    where: "--clients",
    received: String(minimumClients),
    expected: `1 to ${population}, the places of the run (data.clients)`,
    advice: "Lower --clients, or raise data.clients.",
  });
}
