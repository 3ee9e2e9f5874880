import { AnabranchError } from "@anabranch/engine";
import type { Algorithm, Judge, RoundContext, ServerState } from "../algorithms/algorithm.ts";
import type { PublicTrainer } from "../algorithms/public-training.ts";
import type { Vector } from "../params/vector.ts";

/**
 * What the server half knows of a round, with the answers to what the method asks clients: one question after the other, so
 * that nothing depends on who is quick. Throws `round/no-judge` where nobody answers.
 */
export async function withAnswers(
  algorithm: Algorithm,
  state: ServerState,
  aggregate: Readonly<Record<string, Vector>>,
  context: RoundContext,
  judge: Judge | undefined,
): Promise<RoundContext> {
  const questions = algorithm.questions?.(state, aggregate, context) ?? [];
  if (questions.length === 0) return context;
  if (judge === undefined) throw noJudge(algorithm.name);
  const scores: Awaited<ReturnType<Judge>>[] = [];
  for (const question of questions) scores.push(await judge(question));
  return { ...context, scores };
}

/** What trains for the server of a method. Throws `round/no-trainer` where nothing does. */
export function requireTrainer({ name }: Algorithm, trainer: PublicTrainer | undefined): PublicTrainer {
  if (trainer !== undefined) return trainer;
  throw new AnabranchError({
    code: "round/no-trainer",
    message: "the server of the method trains on public examples, but nothing trains for it",
    where: "ports.trainer",
    received: `nothing, with the method ${JSON.stringify(name)}`,
    expected: "a trainer",
    advice: "Give what openPublicTrainer(prepared.publicTraining, executor) returns.",
  });
}

function noJudge(method: string): AnabranchError {
  return new AnabranchError({
    code: "round/no-judge",
    message: "the method asks clients to judge models on their hold-outs, but nobody answers for them",
    where: "ports.judge",
    received: `nothing, with the method ${JSON.stringify(method)}`,
    expected: "a judge",
    advice: "Give what openJudge(prepared, executor) returns.",
  });
}
