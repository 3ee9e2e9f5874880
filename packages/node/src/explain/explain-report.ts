import { explainPage, type ShownImage } from "../report/explain-page.ts";
import type { ExplainedImage, Explanation, View } from "./explain-run.ts";

/** The page of an explanation of a run. */
export function writeExplainPage({ id, name }: { id: string; name: string }, explanation: Explanation): string {
  const { image, map, images, meanOverlap } = explanation;
  const shown = images.map((one) => shownImage(one, explanation));
  return explainPage({
    run: id,
    name: `What ${name} looks at`,
    about: aboutText(explanation),
    image,
    map,
    images: shown,
    meanOverlap,
  });
}

/** What was explained, in words. */
export function aboutText({ round, client, dataset, model, source, images }: Explanation): string {
  const from = source === "hold-out" ? `client ${client}'s hold-out` : "the test set";
  return `Model ${model} after round ${round}, on ${images.length} images of ${dataset} from ${from}.`;
}

/** The name of a class, or its number. */
export function classText({ classNames }: Explanation, label: number): string {
  return classNames?.[label] ?? String(label);
}

function shownImage({ pixels, label, global, personal, overlap }: ExplainedImage, of: Explanation): ShownImage {
  const view = ({ predicted, map }: View) => ({
    ...{ predicted: classText(of, predicted), isRight: predicted === label, map },
  });
  return { pixels, label: classText(of, label), global: view(global), personal: personal && view(personal), overlap };
}
