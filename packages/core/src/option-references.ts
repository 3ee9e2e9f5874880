/**
 * Papers behind options that work beside any method, and behind commands and functions. A note before the authors is the
 * name of the system; the form is that of `references`.
 */

/**
 * Stands for every value that turns a part on.
 *
 * @example
 * ```ts
 * import { ANY_VALUE, optionReferences } from "@anabranch/core";
 * Object.keys(optionReferences["adapters.pool"] ?? {})[0] === ANY_VALUE; // => true
 * ```
 */
export const ANY_VALUE = "*";

type Papers = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

const logitAdjustment =
  'logit adjustment: A. K. Menon, S. Jayasumana, A. S. Rawat, H. Jain, A. Veit, S. Kumar, "Long-tail learning via logit adjustment", ICLR 2021, arXiv:2007.07314';
const alignment =
  'Hessian alignment: S. Hemati, G. Zhang, A. Estiri, X. Chen, "Understanding Hessian Alignment for Domain Generalization", ICCV 2023, arXiv:2308.11778';
const openWorld =
  'FedoSSL: J. Zhang, X. Ma, S. Guo, W. Xu, "Towards Unbiased Training in Federated Open-world Semi-supervised Learning", ICML 2023, arXiv:2305.00771';
const curricula =
  'curricula: S. Vahidian, S. Kadaveru, W. Baek, W. Wang, V. Kungurtsev, C. Chen, M. Shah, B. Lin, "When Do Curricula Work in Federated Learning?", ICCV 2023, arXiv:2212.12712';
const bulyan =
  'E. M. El Mhamdi, R. Guerraoui, S. Rouault, "The Hidden Vulnerability of Distributed Learning in Byzantium", ICML 2018, arXiv:1802.07927';
const krum =
  'P. Blanchard, E. M. El Mhamdi, R. Guerraoui, J. Stainer, "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent", NeurIPS 2017, arXiv:1703.02757';
const median =
  'D. Yin, Y. Chen, K. Ramchandran, P. Bartlett, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates", ICML 2018, arXiv:1803.01498';
const ef21 =
  'EF21: P. Richtarik, I. Sokolov, I. Fatkhullin, "EF21: A New, Simpler, Theoretically Better, and Practically Faster Error Feedback", NeurIPS 2021, arXiv:2106.05203';
const fedpipe =
  'FedPipe: Z. Fang, Z. Lin, Z. Chen, X. Chen, Y. Gao, Y. Fang, "Automated Federated Pipeline for Parameter-Efficient Fine-Tuning of Large Language Models", 2024, arXiv:2404.06448';
const qlora =
  'NF4: T. Dettmers, A. Pagnoni, A. Holtzman, L. Zettlemoyer, "QLoRA: Efficient Finetuning of Quantized LLMs", NeurIPS 2023, arXiv:2305.14314';

/**
 * Papers by key of the configuration, then by value, or under `ANY_VALUE`.
 *
 * @example
 * ```ts
 * import { optionReferences } from "@anabranch/core";
 * Object.keys(optionReferences["compression.feedback"] ?? {}); // => ["ef14", "ef21", "ef21+", "dgc"]
 * ```
 */
export const optionReferences: Papers = {
  "compression.up": {
    "top-k": ['S. U. Stich, J.-B. Cordonnier, M. Jaggi, "Sparsified SGD with Memory", NeurIPS 2018, arXiv:1809.07599'],
    qsgd: [
      'QSGD: D. Alistarh, D. Grubic, J. Li, R. Tomioka, M. Vojnovic, "QSGD: Communication-Efficient SGD via Gradient Quantization and Encoding", NeurIPS 2017, arXiv:1610.02132',
    ],
    natural: [
      'natural compression: S. Horváth, C.-Y. Ho, L. Horváth, A. N. Sahu, M. Canini, P. Richtarik, "Natural Compression for Distributed Deep Learning", 2019, arXiv:1905.10988',
    ],
    sign: [
      'J. Bernstein, Y.-X. Wang, K. Azizzadenesheli, A. Anandkumar, "signSGD: Compressed Optimisation for Non-Convex Problems", ICML 2018, arXiv:1802.04434',
    ],
    "count-sketch": [
      'D. Rothchild, A. Panda, E. Ullah, N. Ivkin, I. Stoica, V. Braverman, J. Gonzalez, R. Arora, "FetchSGD: Communication-Efficient Federated Learning with Sketching", ICML 2020, arXiv:2007.07682',
    ],
    e3m0: [
      'four-bit floats: A. Douillard et al., "Streaming DiLoCo with overlapping communication: Towards a Distributed Free Lunch", 2025, arXiv:2501.18512',
    ],
    nf4: [qlora],
    fedzip: [
      'FedZip: A. Malekijoo, M. J. Fadaeieslam, H. Malekijou, M. Homayounfar, F. Alizadeh-Shabdiz, R. Rawassizadeh, "FEDZIP: A Compression Framework for Communication-Efficient Federated Learning", 2021, arXiv:2102.01593',
    ],
  },
  "compression.feedback": {
    ef14: [
      'F. Seide, H. Fu, J. Droppo, G. Li, D. Yu, "1-Bit Stochastic Gradient Descent and its Application to Data-Parallel Distributed Training of Speech DNNs", Interspeech 2014, doi 10.21437/Interspeech.2014-274',
    ],
    ef21: [ef21],
    "ef21+": [ef21],
    dgc: [
      'DGC: Y. Lin, S. Han, H. Mao, Y. Wang, W. J. Dally, "Deep Gradient Compression: Reducing the Communication Bandwidth for Distributed Training", ICLR 2018, arXiv:1712.01887',
    ],
  },
  "compression.downFeedback": {
    ef21: [
      'EF21-P: K. Gruntkowska, A. Tyurin, P. Richtarik, "EF21-P and Friends: Improved Theoretical Communication Complexity for Distributed Optimization with Bidirectional Compression", ICML 2023, arXiv:2209.15218',
    ],
  },
  "adapters.rank": {
    [ANY_VALUE]: [
      'LoRA: E. J. Hu, Y. Shen, P. Wallis, Z. Allen-Zhu, Y. Li, S. Wang, L. Wang, W. Chen, "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022, arXiv:2106.09685',
    ],
  },
  "adapters.rule": {
    fedit: [
      'FedIT: J. Zhang, S. Vahidian, M. Kuo, C. Li, R. Zhang, G. Wang, Y. Chen, "Towards Building the Federated GPT: Federated Instruction Tuning", ICASSP 2024, arXiv:2305.05644',
    ],
    ffa: [
      'FFA-LoRA: Y. Sun, Z. Li, Y. Li, B. Ding, "Improving LoRA in Privacy-preserving Federated Learning", ICLR 2024, arXiv:2403.12313',
    ],
    "lora-fair": [
      'LoRA-FAIR: J. Bian, L. Wang, L. Zhang, J. Xu, "LoRA-FAIR: Federated LoRA Fine-Tuning with Aggregation and Initialization Refinement", ICCV 2025, arXiv:2411.14961',
    ],
    "zero-pad": [
      'HetLoRA: Y. J. Cho, L. Liu, Z. Xu, A. Fahrezi, G. Joshi, "Heterogeneous LoRA for Federated Fine-tuning of On-Device Foundation Models", EMNLP 2024, arXiv:2401.06432',
    ],
    flexlora: [
      'FlexLoRA: J. Bai, D. Chen, B. Qian, L. Yao, Y. Li, "Federated Fine-tuning of Large Language Models under Heterogeneous Tasks and Client Resources", NeurIPS 2024, arXiv:2402.11505',
    ],
    flora: [
      'FLoRA: Z. Wang et al., "FLoRA: Federated Fine-Tuning Large Language Models with Heterogeneous Low-Rank Adaptations", NeurIPS 2024, arXiv:2409.05976',
    ],
    "fed-sb": [
      'Fed-SB: R. Singhal, K. Ponkshe, R. Vartak, L. R. Varshney, P. Vepakomma, "Fed-SB: A Silver Bullet for Extreme Communication Efficiency and Performance in (Private) Federated LoRA Fine-Tuning", TMLR 2026, arXiv:2502.15436',
    ],
  },
  "adapters.select": { [ANY_VALUE]: [fedpipe] },
  "adapters.controller": {
    fedpipe: [fedpipe],
    fedspine: [
      'FedSpine-style: Z. Yao, Y. Xu, H. Xu, Y. Liao, Z. Xie, "Efficient Deployment of Large Language Models on Resource-constrained Devices", 2025, arXiv:2501.02438',
    ],
  },
  "adapters.shards": {
    [ANY_VALUE]: [
      'MoS: S. Wang, L. Chen, P. Chen, J. Dong, B. Xue, J. Jiang, L. Kong, C. Wu, "MoS: Unleashing Parameter Efficiency of Low-Rank Adaptation with Mixture of Shards", ICLR 2025, arXiv:2410.00938',
    ],
  },
  "adapters.bottleneck": {
    [ANY_VALUE]: [
      'bottleneck adapters: N. Houlsby, A. Giurgiu, S. Jastrzebski, B. Morrone, Q. de Laroussilhe, A. Gesmundo, M. Attariyan, S. Gelly, "Parameter-Efficient Transfer Learning for NLP", ICML 2019, arXiv:1902.00751',
    ],
  },
  "adapters.pool": {
    [ANY_VALUE]: [
      'FedIns: C.-M. Feng et al., "Towards Instance-adaptive Inference for Federated Learning", ICCV 2023, arXiv:2308.06051',
    ],
  },
  "adapters.prompts": {
    [ANY_VALUE]: [
      'prompt tuning: B. Lester, R. Al-Rfou, N. Constant, "The Power of Scale for Parameter-Efficient Prompt Tuning", EMNLP 2021, arXiv:2104.08691',
    ],
  },
  "training.loss.adjustment": { client: [logitAdjustment], global: [logitAdjustment] },
  "training.loss.margin": {
    [ANY_VALUE]: [
      'FedLD: S. Zeng, P. Guo, S. Wang, J. Wang, Y. Zhou, L. Qu, "Tackling Data Heterogeneity in Federated Learning via Loss Decomposition", MICCAI 2024, arXiv:2408.12300',
    ],
  },
  "training.loss.confusion": {
    [ANY_VALUE]: [
      'CAR: Z. Zhu et al., "Confusion-Aware Spectral Regularizer for Long-Tailed Recognition", CVPR 2026, arXiv:2603.16732',
    ],
  },
  "training.alignment.gradient": { [ANY_VALUE]: [alignment] },
  "training.alignment.hessian": { [ANY_VALUE]: [alignment] },
  "training.calibration.samples": {
    [ANY_VALUE]: [
      'CCVR: M. Luo, F. Chen, D. Hu, Y. Zhang, J. Liang, J. Feng, "No Fear of Heterogeneity: Classifier Calibration for Federated Learning with Non-IID Data", NeurIPS 2021, arXiv:2106.05001',
    ],
  },
  "training.curriculum.order": { "easy-first": [curricula], "hard-first": [curricula] },
  "training.curriculum.score": {
    "error-norm": [
      'EL2N: M. Paul, S. Ganguli, G. K. Dziugaite, "Deep Learning on a Data Diet: Finding Important Examples Early in Training", NeurIPS 2021, arXiv:2107.07075',
    ],
  },
  "training.openWorld.margin": { [ANY_VALUE]: [openWorld] },
  "training.openWorld.pairwise": { [ANY_VALUE]: [openWorld] },
  "training.openWorld.entropy": { [ANY_VALUE]: [openWorld] },
  "training.openWorld.suppressed": { [ANY_VALUE]: [openWorld] },
  "training.openWorld.calibration": { [ANY_VALUE]: [openWorld] },
  "training.openWorld.pseudoLabels": { [ANY_VALUE]: [openWorld] },
  "training.upSampling.rounds": {
    [ANY_VALUE]: [
      'USEFUL: D. Nguyen, P. Haddad, E. Gan, B. Mirzasoleiman, "Changing the Training Data Distribution to Reduce Simplicity Bias Improves In-distribution Generalization", NeurIPS 2024, arXiv:2404.17768',
    ],
  },
  "data.partition.scheme": {
    embedding: [
      'M. Borazjani, P. Abdisarabshali, N. Khosravan, S. Hosseinalipour, "Redefining non-IID Data in Federated Learning for Computer Vision Tasks: Migrating from Labels to Embeddings for Task-Specific Data Distributions", 2025, arXiv:2503.14553',
    ],
  },
  "sampler.name": {
    "random-allocation": [
      'L. Chua, B. Ghazi, C. Harrison, E. Leeman, P. Kamath, R. Kumar, P. Manurangsi, A. Sinha, C. Zhang, "Balls-and-Bins Sampling for DP-SGD", AISTATS 2025, arXiv:2412.16802',
    ],
    oort: [
      'Oort: F. Lai, X. Zhu, H. V. Madhyastha, M. Chowdhury, "Oort: Efficient Federated Learning via Guided Participant Selection", OSDI 2021, arXiv:2010.06081',
    ],
    "hetero-select": ['M. A. Masud, M. A. Jahin, M. M. Hasan, "HeteRo-Select", 2025, arXiv:2508.06692'],
    "easiest-first": [curricula],
  },
  "aggregation.rule": {
    median: [median],
    "trimmed-mean": [median],
    meamed: ['C. Xie, O. Koyejo, I. Gupta, "Generalized Byzantine-tolerant SGD", 2018, arXiv:1802.10116'],
    phocas: [
      'C. Xie, O. Koyejo, I. Gupta, "Phocas: dimensional Byzantine-resilient stochastic gradient descent", 2018, arXiv:1805.09682',
    ],
    krum: [krum],
    "multi-krum": [krum],
    "geometric-median": [
      'RFA: K. Pillutla, S. M. Kakade, Z. Harchaoui, "Robust Aggregation for Federated Learning", TSP 2022, arXiv:1912.13445',
    ],
    bulyan: [bulyan],
    "centred-clipping": [
      'S. P. Karimireddy, L. He, M. Jaggi, "Learning from History for Byzantine Robust Optimization", ICML 2021, arXiv:2012.10333',
    ],
    "minimum-diameter": [bulyan],
    fltrust: [
      'X. Cao, M. Fang, J. Liu, N. Z. Gong, "FLTrust: Byzantine-robust Federated Learning via Trust Bootstrapping", NDSS 2021, arXiv:2012.13995',
    ],
  },
  "aggregation.before": {
    nnm: [
      'NNM: Y. Allouah, S. Farhadkhani, R. Guerraoui, N. Gupta, R. Pinot, J. Stephan, "Fixing by Mixing: A Recipe for Optimal Byzantine ML under Heterogeneity", AISTATS 2023, arXiv:2302.01772',
    ],
    bucketing: [
      'S. P. Karimireddy, L. He, M. Jaggi, "Byzantine-Robust Learning on Heterogeneous Datasets via Bucketing", ICLR 2022, arXiv:2006.09365',
    ],
  },
  "secureAggregation.protocol": {
    bonawitz: [
      'K. Bonawitz, V. Ivanov, B. Kreuter, A. Marcedone, H. B. McMahan, S. Patel, D. Ramage, A. Segal, K. Seth, "Practical Secure Aggregation for Privacy-Preserving Machine Learning", CCS 2017, doi 10.1145/3133956.3133982',
    ],
    "secagg+": [
      'SecAgg+: J. H. Bell, K. A. Bonawitz, A. Gascon, T. Lepoint, M. Raykova, "Secure Single-Server Aggregation with (Poly)Logarithmic Overhead", CCS 2020, doi 10.1145/3372297.3417885',
    ],
    lightsecagg: [
      'LightSecAgg: J. So, C. He, C.-S. Yang, S. Li, Q. Yu, R. E. Ali, B. Guler, S. Avestimehr, "LightSecAgg: a Lightweight and Versatile Design for Secure Aggregation in Federated Learning", MLSys 2022, arXiv:2109.14236',
    ],
  },
  "privacy.mechanism": {
    "discrete-gaussian": [
      'P. Kairouz, Z. Liu, T. Steinke, "The Distributed Discrete Gaussian Mechanism for Federated Learning with Secure Aggregation", ICML 2021, arXiv:2102.06387',
    ],
    skellam: [
      'N. Agarwal, P. Kairouz, Z. Liu, "The Skellam Mechanism for Differentially Private Federated Learning", NeurIPS 2021, arXiv:2110.04995',
    ],
  },
  "privacy.targetQuantile": {
    [ANY_VALUE]: [
      'adaptive clipping: G. Andrew, O. Thakkar, H. B. McMahan, S. Ramaswamy, "Differentially Private Learning with Adaptive Clipping", NeurIPS 2021, arXiv:1905.03871',
    ],
  },
};

const guo =
  'P. Guo, R. Wang, S. Zeng, J. Zhu, H. Jiang, Y. Wang, Y. Zhou, F. Wang, H. Xiong, L. Qu, "Exploring the Vulnerabilities of Federated Learning: A Deep Dive into Gradient Inversion Attacks", TPAMI 2026, arXiv:2503.11514';
const sequential =
  'M. N. Krishnan, M. R. Ebrahimi, A. Khisti, "Sequential Gradient Coding For Straggler Mitigation", ICLR 2023, arXiv:2211.13802';

/**
 * Papers behind commands, by command and value of an option, and behind functions of the library, by name.
 *
 * @example
 * ```ts
 * import { toolReferences } from "@anabranch/core";
 * Object.keys(toolReferences); // => ["anabranch audit --attack", "anabranch fairness", "anabranch explain", "library"]
 * ```
 */
export const toolReferences: Papers = {
  "anabranch audit --attack": {
    dlg: ['DLG: L. Zhu, Z. Liu, S. Han, "Deep Leakage from Gradients", NeurIPS 2019, arXiv:1906.08935'],
    idlg: [
      'iDLG: B. Zhao, K. R. Mopuri, H. Bilen, "iDLG: Improved Deep Leakage from Gradients", 2020, arXiv:2001.02610',
    ],
    ig: [
      'J. Geiping, H. Bauermeister, H. Dröge, M. Moeller, "Inverting Gradients - How easy is it to break privacy in federated learning?", NeurIPS 2020, arXiv:2003.14053',
    ],
    fc: [
      'imprint: L. Fowl, J. Geiping, W. Czaja, M. Goldblum, T. Goldstein, "Robbing the Fed: Directly Obtaining Private Data in Federated Learning with Modified Models", ICLR 2022, arXiv:2110.13057',
    ],
    gifd: [
      'GIFD: H. Fang, B. Chen, X. Wang, Z. Wang, S.-T. Xia, "GIFD: A Generative Gradient Inversion Method with Feature Domain Optimization", ICCV 2023, arXiv:2308.04699',
    ],
    network: [guo],
  },
  "anabranch fairness": {
    [ANY_VALUE]: [
      'AGLFOP: F. Hamman, S. Dutta, "Demystifying Local & Global Fairness Trade-offs in Federated Learning Using Partial Information Decomposition", ICLR 2024, arXiv:2307.11333',
    ],
  },
  "anabranch explain": {
    [ANY_VALUE]: [
      'Grad-CAM: R. R. Selvaraju, M. Cogswell, A. Das, R. Vedantam, D. Parikh, D. Batra, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017, arXiv:1610.02391',
    ],
  },
  library: {
    masha: [
      'MASHA1 and MASHA2: A. Beznosikov, P. Richtarik, M. Diskin, M. Ryabinin, A. Gasnikov, "Distributed Methods with Compressed Communication for Solving Variational Inequalities, with Theoretical Guarantees", NeurIPS 2022, arXiv:2110.03313',
    ],
    surrogateRound: [
      'FZooS: Y. Shu, X. Lin, Z. Dai, B. K. H. Low, "Federated Zeroth-Order Optimization using Trajectory-Informed Surrogate Gradients", 2023, arXiv:2308.04077',
    ],
    distributionMatching: [
      'FedLGD: C.-Y. Huang, R. Jin, C. Zhao, D. Xu, X. Li, "Federated Learning on Virtual Heterogeneous Data with Local-global Distillation", TMLR 2024, arXiv:2303.02278',
    ],
    offsiteEmulator: [
      'FederatedScope-LLM: W. Kuang et al., "FederatedScope-LLM: A Comprehensive Package for Fine-tuning Large Language Models in Federated Learning", KDD 2024, arXiv:2309.00363',
    ],
    fractionalCode: [
      'R. Tandon, Q. Lei, A. G. Dimakis, N. Karampatziakis, "Gradient Coding: Avoiding Stragglers in Distributed Learning", ICML 2017, arXiv:1612.03301',
    ],
    SelectiveRepeat: [sequential],
  },
};
