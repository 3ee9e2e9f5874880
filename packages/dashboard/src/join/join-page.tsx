import type { Failure } from "@anabranch/engine";
import { FailureCard } from "../failure-card.tsx";
import { DataForm } from "./data-form.tsx";
import type { Link } from "./link.ts";
import { Progress } from "./progress.tsx";
import type { Training } from "./training.ts";
import { WhatIsSent } from "./what-is-sent.tsx";

interface Props {
  readonly link: Link;
  /** What keeps this browser from taking part. */
  readonly obstacle: Failure | undefined;
  readonly training: Training;
}

/** The whole page of a browser client. */
export function JoinPage({ link, obstacle, training }: Props) {
  const view = training.view.value;
  const started = view.connection !== "none";
  const over = view.result !== undefined || view.failure !== undefined;
  return (
    <main class="narrow">
      <h1>Help to train a model</h1>
      <p class="lead">Run {link.run}. Your browser trains on your data, and only the result of training is sent.</p>
      {obstacle !== undefined && <FailureCard failure={obstacle} title="This browser cannot join here" />}
      {view.failure !== undefined && <FailureCard failure={view.failure} title="Training has stopped" />}
      {(started || over) && <Progress view={view} leave={() => training.leave()} />}
      {obstacle === undefined && (
        // hidden instead of left out: who joins again has chosen already, even if the server is gone
        <div hidden={started}>
          <DataForm link={link} again={over} start={(name, source) => training.start(link, name, source)} />
        </div>
      )}
      <WhatIsSent />
    </main>
  );
}
