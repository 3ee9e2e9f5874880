import type { NodeRule } from "../gossip/index.ts";
import type { ClientHalf, ParameterTensors } from "./algorithm.ts";
import type { SgdCarry } from "./local-sgd.ts";
import { type MethodBody, vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, uniformMean } from "./shapes.ts";

type Down = { readonly parameters: ParameterTensors };
type Nothing = Readonly<Record<string, never>>;

/**
 * A decentralised method from its local rule, whose clients send the change of their model, and its rule for nodes. Its
 * server half is what the rule comes to where everyone hears everyone: the mean.
 */
export function gossipMethod(
  local: ClientHalf<Down, Nothing, { readonly delta: ParameterTensors }, SgdCarry>,
  gossip: NodeRule,
): MethodBody {
  return vectors({ server: { parameters: MODEL }, upload: { delta: uniformMean(MODEL) } }).method({
    gossip,
    local,
    update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 1, delta) }),
  });
}
