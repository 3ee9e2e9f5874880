import { describe, expect, it } from "vitest";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { traceProblem, traceQuadratics } from "../simulation/trace-quadratics.ts";

/**
 * Global parameters after each of four rounds on four quadratics, to ten digits, computed by an independent
 * implementation of each method. Exact gradients, x0 = 0, eta = 0.1, K = 3, no decay, no clip. With `blocks` all four
 * clients take part in every round.
 */
interface Golden {
  algorithm: { name: string; [option: string]: unknown };
  blocks?: { coordinates: number[][]; assignment: number[][] };
  /** Flat clipping without noise. */
  privacy?: { clipNorm: number };
  /** Whether all four clients take part in every round. */
  everyone?: true;
  rounds: number[][];
}
/** The first two coordinates are blocks, the third is shared; clients 0 and 1 change blocks with 2 and 3 every round. */
const blocks = {
  coordinates: [[0], [1]],
  assignment: [
    [0, 0, 1, 1],
    [1, 1, 0, 0],
    [0, 0, 1, 1],
    [1, 1, 0, 0],
  ],
};
const golden: Golden[] = [
  {
    algorithm: { name: "fedavg" },
    rounds: [
      [-0.193, 0.027, 0.31175],
      [-0.3017111875, 0.2837575, 0.301940875],
      [-0.0639528787, 0.34728773, 0.683340309],
      [0.0958172388, 0.1778113178, 1.0910204056],
    ],
  },
  {
    algorithm: { name: "fedavgm", beta: 0.9 },
    rounds: [
      [-0.193, 0.027, 0.31175],
      [-0.4754111875, 0.3080575, 0.582515875],
      [-0.4370531662, 0.60908468, 1.0774177965],
      [-0.1011692704, 0.5827758182, 1.7476576683],
    ],
  },
  {
    algorithm: { name: "fedprox", proximalStrength: 0.5 },
    rounds: [
      [-0.18225, 0.026, 0.2955625],
      [-0.2886205938, 0.27027275, 0.2918219453],
      [-0.0668230362, 0.3388861227, 0.6566912003],
      [0.0858499039, 0.1821512909, 1.0541379178],
    ],
  },
  {
    algorithm: { name: "scaffold" },
    rounds: [
      [-0.193, 0.027, 0.31175],
      [-0.1430063958, 0.0494616667, 0.23728025],
      [-0.1267558244, 0.2836336711, 0.849288753],
      [-0.0987042216, 0.2589433713, 0.9665938829],
    ],
  },
  {
    algorithm: { name: "fedcm", alpha: 0.1 },
    rounds: [
      [-0.028813, 0.000297, 0.03682925],
      [-0.0815601728, 0.0302371659, 0.0824047823],
      [-0.1105106171, 0.0831561909, 0.1902639046],
      [-0.1164362651, 0.1249468719, 0.3690309773],
    ],
  },
  {
    algorithm: { name: "fedsam", rho: 0.05 },
    rounds: [
      [-0.2000970567, 0.0206525222, 0.3194774557],
      [-0.3134244297, 0.2847982643, 0.3065871322],
      [-0.0680642231, 0.344969453, 0.6967121122],
      [0.0965316702, 0.1700810039, 1.1128867123],
    ],
  },
  {
    algorithm: { name: "mofedsam", alpha: 0.1, rho: 0.05 },
    rounds: [
      [-0.0300622761, -0.0006177068, 0.0377080715],
      [-0.085153348, 0.0289695, 0.0841952415],
      [-0.1157466019, 0.0818864362, 0.1942863072],
      [-0.1224913179, 0.1229291635, 0.3769318103],
    ],
  },
  {
    algorithm: { name: "fedspeed", proximalStrength: 0.1, rho: 0.05, alpha: 1, form: "paper" },
    rounds: [
      [-0.3956573537, 0.0410435307, 0.6322180586],
      [-0.7839876909, 0.8008594735, 0.6032427723],
      [0.1623476352, 0.2383704425, 0.8910816477],
      [0.6258173748, -0.1950900402, 2.0462479018],
    ],
  },
  {
    algorithm: { name: "fedspeed", proximalStrength: 0.1, rho: 0.05, form: "code" },
    rounds: [
      [-0.2967430153, 0.030782648, 0.4741635439],
      [-0.4949924895, 0.4145522022, 0.5155649562],
      [-0.1831093109, 0.5138013434, 1.0773951179],
      [0.1338047343, 0.2591508647, 1.6789719317],
    ],
  },
  {
    algorithm: { name: "fednsam", gamma: 0.85, rho: 0.05 },
    rounds: [
      [-0.193, 0.027, 0.31175],
      [-0.4106661593, 0.2965383428, 0.4824555584],
      [-0.2741163741, 0.457527666, 0.868123674],
      [0.0433237874, 0.313251157, 1.3861255108],
    ],
  },
  {
    algorithm: { name: "fednsam", gamma: 0.85, rho: 0.05, perturbation: "gradient" },
    rounds: [
      [-0.2000970567, 0.0206525222, 0.3194774557],
      [-0.4147703415, 0.2934476211, 0.4733543209],
      [-0.2605862447, 0.4288122972, 0.8560884802],
      [0.0590700537, 0.2724463225, 1.3713139386],
    ],
  },
  {
    algorithm: { name: "fedbcgd", beta: 0.45 },
    blocks,
    rounds: [
      [-0.193, 0.244, 0.416625],
      [-0.0763696875, 0.288202, 0.8450196563],
      [-0.1814505119, 0.368796428, 1.0980352115],
      [-0.0288982683, 0.2921056762, 1.165420861],
    ],
  },
  {
    algorithm: { name: "fedbcgd+", beta: 0.45, controlForm: "ema", p: 0.5 },
    blocks,
    rounds: [
      [-0.193, 0.244, 0.416625],
      [-0.382224375, 0.4512853333, 0.8855118438],
      [-0.3936216708, 0.4687595236, 1.2400517677],
      [-0.4159742937, 0.4632462111, 1.4462780014],
    ],
  },
  {
    algorithm: { name: "fedbcgd+", beta: 0.45, controlForm: "mask" },
    blocks,
    rounds: [
      [-0.193, 0.244, 0.416625],
      [-0.1614907292, 0.3929186667, 0.8855118438],
      [-0.1390506567, 0.3146593058, 1.1834286413],
      [-0.1306011779, 0.205782972, 1.2740529928],
    ],
  },
  {
    algorithm: { name: "dp-fedavg" },
    privacy: { clipNorm: 0.2 },
    rounds: [
      [-0.0197519413, -0.0297414984, 0.073303755],
      [-0.016574666, 0.0332355715, 0.0494680012],
      [0.0549766833, 0.0613543003, 0.0731414322],
      [0.0964454743, 0.0074756873, 0.1867875374],
    ],
  },
  {
    algorithm: { name: "dp-fedsam", rho: 0.05 },
    privacy: { clipNorm: 0.2 },
    rounds: [
      [-0.0207852752, -0.0307039032, 0.0730242552],
      [-0.0185549581, 0.032193177, 0.0487589433],
      [0.0525825066, 0.0600902667, 0.072003983],
      [0.0937078961, 0.005825414, 0.1855016988],
    ],
  },
  {
    algorithm: { name: "dp-fedpgn", gamma: 0.2, rho: 0.1 },
    privacy: { clipNorm: 0.05 },
    rounds: [
      [-0.0068471991, -0.0092701166, 0.0177361258],
      [-0.012118361, -0.0069021783, 0.0275149356],
      [0.0014803087, 0.0048913655, 0.0418330874],
      [0.0246977612, 0.0014332255, 0.08270297],
    ],
  },
  {
    algorithm: { name: "dp-fedpgn", gamma: 0.2, rho: 0.1, perturbation: "none" },
    privacy: { clipNorm: 0.05 },
    rounds: [
      [-0.0068471991, -0.0092701166, 0.0177361258],
      [-0.0126452885, -0.0032864017, 0.0262077365],
      [0.0004125676, 0.0097723828, 0.0388386678],
      [0.0218026491, 0.0064407653, 0.0776361243],
    ],
  },
  {
    algorithm: { name: "diff2", T: 3, C2: 1.5, serverLearningRate: 0.2 },
    privacy: { clipNorm: 3 },
    everyone: true,
    rounds: [
      [-0.0091410313, 0.0201948524, 0.1900631822],
      [-0.0161065139, 0.0325583225, 0.332517759],
      [-0.0214157056, 0.0401286418, 0.4393153094],
      [-0.0374388593, 0.0643689555, 0.5545813563],
      [-0.0496351879, 0.0791916387, 0.6408468589],
    ],
  },
];

describe("golden traces", () => {
  for (const { algorithm, blocks, privacy, everyone, rounds } of golden) {
    it(`${JSON.stringify({ ...algorithm, ...privacy })} follows its trace to 1e-9`, async () => {
      const full = blocks !== undefined || everyone;
      const changes = {
        ...(full ? { cohorts: rounds.map(() => [0, 1, 2, 3]) } : {}),
        ...(blocks === undefined ? {} : { blocks }),
        ...(privacy === undefined ? {} : { privacy }),
      };
      const traced = await traceQuadratics(traceProblem.parse({ ...HETEROGENEOUS, ...changes, algorithm }));
      expect(traced.rounds.length).toBe(rounds.length);
      traced.rounds.forEach((parameters, round) => {
        parameters.forEach((x, j) => {
          expect(Math.abs(x - rounds[round]![j]!)).toBeLessThan(1e-9);
        });
      });
    });
  }
});
