import { accuracyBytes } from "./accuracy-bytes.ts";
import { accuracyEpsilon } from "./accuracy-epsilon.ts";
import { accuracyRounds } from "./accuracy-rounds.ts";
import { bytesRounds } from "./bytes-rounds.ts";
import type { Chart } from "./chart.ts";
import { clientLossBand } from "./client-loss-band.ts";
import { clientRounds } from "./client-rounds.ts";
import { clientSpread } from "./client-spread.ts";
import { confusionMatrix } from "./confusion.ts";
import { deviceTimeline } from "./device-timeline.ts";
import { diagnosticCharts } from "./diagnostics.ts";
import { epsilonRounds } from "./epsilon-rounds.ts";
import { errorRounds } from "./error-rounds.ts";
import { lossRounds } from "./loss-rounds.ts";
import { partitionPicture } from "./partition.ts";
import { personalSpread } from "./personal-spread.ts";
import { stalenessHistogram } from "./staleness.ts";
import { timingRounds } from "./timing-rounds.ts";
import { consensusRounds, nodeRounds, topologyPicture } from "./topology.ts";

/** All charts of a report under the headings they stand below, in the order of the page. */
export const CHART_SECTIONS: readonly { readonly heading: string; readonly charts: readonly Chart[] }[] = [
  { heading: "Learning", charts: [accuracyRounds, errorRounds, lossRounds, accuracyBytes, clientLossBand] },
  { heading: "Tasks", charts: [] }, // a table alone
  { heading: "Classes", charts: [confusionMatrix] },
  { heading: "Privacy", charts: [epsilonRounds, accuracyEpsilon] },
  { heading: "Clients", charts: [partitionPicture, clientSpread, personalSpread, clientRounds] },
  { heading: "Nodes", charts: [topologyPicture, nodeRounds, consensusRounds] },
  { heading: "Diagnostics", charts: diagnosticCharts },
  { heading: "Communication and time", charts: [bytesRounds, timingRounds, stalenessHistogram, deviceTimeline] },
];
