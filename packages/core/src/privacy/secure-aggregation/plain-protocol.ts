import { packBits, packedBytes, unpackBits } from "./packing.ts";
import { checkInputs, type ProtocolPorts, type SecureAggregationProtocol } from "./protocol.ts";
import { modulusBits } from "./quantization.ts";
import { roundFailure } from "./refusal.ts";

/**
 * The plain sum: the server sees every vector. Each is packed with as many bits as its largest value needs, without a
 * head; that is what the cost of the others is compared with.
 *
 * @example
 * ```ts
 * import { plain } from "@anabranch/core/secure-aggregation";
 * const inputs = [0, 1, 2].map((client) => ({ client, values: Uint32Array.of(client, 10) }));
 * const request = { round: 1, cohort: [0, 1, 2], present: [0, 1, 2], length: 2, inputs, maximum: 10 };
 * const outcome = await plain({ clock: () => performance.now() }).sum(request);
 * "sum" in outcome && outcome.sum; // => [3, 30]
 * ```
 */
export function plain({ clock }: Pick<ProtocolPorts, "clock">): SecureAggregationProtocol {
  return {
    name: "plain",
    hidesInputs: false,
    sum: async (request) => {
      checkInputs(request);
      const { cohort, inputs, length, maximum, modulus } = request;
      if (modulus === undefined) modulusBits(cohort.length, maximum);
      const bits = modulusBits(1, maximum);
      const sum = new Uint32Array(length);
      const survivors: number[] = [];
      const stage = {
        stage: "mask" as const,
        up: new Float64Array(cohort.length),
        down: new Float64Array(cohort.length),
      };
      const elapsed = { server: 0, clients: 0 };
      for (const { client, values } of inputs) {
        const dropped = request.dropOuts?.get(client);
        if (dropped === "advertise" || dropped === "share" || dropped === "mask") continue;
        const start = clock();
        const packed = packBits(values, bits);
        const sent = clock();
        const received = unpackBits(packed, length, bits, `vector of client ${client}`);
        // without a modulus sums stay below 2^32
        for (let i = 0; i < length; i++)
          sum[i] = modulus === undefined ? sum[i]! + received[i]! : (sum[i]! + received[i]!) % modulus;
        elapsed.clients += sent - start;
        elapsed.server += clock() - sent;
        stage.up[cohort.indexOf(client)] = packedBytes(length, bits);
        survivors.push(client);
      }
      const cost = { stages: [stage], serverMs: elapsed.server, clientsMs: elapsed.clients };
      if (survivors.length === 0)
        return { ...roundFailure("too-few", "no client has sent its vector"), cost, refusals: [] };
      return { sum, survivors, cost, refusals: [] };
    },
  };
}
