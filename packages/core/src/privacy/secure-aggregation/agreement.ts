import type { ServerPorts } from "./party.ts";
import { refuse } from "./refusal.ts";

/**
 * Agreement on who is in the sum, against a server that tells different clients of different survivors. A client signs
 * one set in a round. It answers only when a quorum of U clients of that set, itself among them, has signed the same set.
 *
 * Why that is enough: let N clients be able to sign, c of them colluding with the server. Colluders may sign every set,
 * an honest client signs one. Two quorums of U share at least 2 U - N clients, and all of these must be colluders:
 *
 *     2 U > N + c:  at most one set is ever answered
 *
 * The bound is exact. With 2 U <= N + c the server tells U - c honest clients of one set and the N - U >= U - c others of
 * another, and each group gets its quorum.
 *
 * N is the whole cohort, although only clients that sent shares can be in a set: the server says who did, and can say
 * otherwise to each client. Clients that drop out after their upload sign nothing. They make a quorum harder to reach,
 * never a second one easier. A round with a sum needs U clients that sign and U of them that answer.
 *
 * With a sparse graph the quorum is one of a client's neighbourhood (threshold of degree + 1).
 */
export async function checkAgreement(
  client: number,
  signature: Uint8Array,
  text: Uint8Array,
  { curves, directory }: ServerPorts,
): Promise<void> {
  const identity = directory(client);
  if (identity !== undefined && (await curves.verify(identity, text, signature))) return;
  refuse("signature", "a client has not signed this set of survivors", { where: `agreement of client ${client}` });
}
