/**
 * Papers behind the named parts of a configuration other than its method, whose file names its own. Each is written as
 * in the header of a method's file: authors, "title", venue and year, arXiv:number or address.
 */
const mcmahan =
  'H. B. McMahan, E. Moore, D. Ramage, S. Hampson, B. Agüera y Arcas, "Communication-Efficient Learning of Deep Networks from Decentralized Data", AISTATS 2017, arXiv:1602.05629';
const hsu =
  'T.-M. H. Hsu, H. Qi, M. Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification", 2019, arXiv:1909.06335';
const silos =
  'Q. Li, Y. Diao, Q. Chen, B. He, "Federated Learning on Non-IID Data Silos: An Experimental Study", ICDE 2022, arXiv:2102.02079';
const yurochkin =
  'M. Yurochkin, M. Agarwal, S. Ghosh, K. Greenewald, T. N. Hoang, Y. Khazaeni, "Bayesian Nonparametric Federated Learning of Neural Networks", ICML 2019, arXiv:1905.12022';
const fashionMnist =
  'H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", 2017, arXiv:1708.07747';
const cifar =
  'A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", University of Toronto 2009, https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf';
const resnet = [
  'K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385',
  'K. Hsieh, A. Phanishayee, O. Mutlu, P. B. Gibbons, "The Non-IID Data Quagmire of Decentralized Machine Learning", ICML 2020, arXiv:1910.00189',
];

/**
 * Papers by key of the configuration, then by value.
 *
 * @example
 * ```ts
 * import { references } from "@anabranch/core";
 * Object.keys(references).length > 3; // => true
 * ```
 */
export const references: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "algorithm.optimizer": {
    adam: ['D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980'],
    adamw: ['I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101'],
    muon: [
      'K. Jordan, Y. Jin, V. Boza, J. You, F. Cesista, L. Newhouse, J. Bernstein, "Muon: An optimizer for hidden layers in neural networks", 2024, https://kellerjordan.github.io/posts/muon/',
    ],
    shampoo: [
      'V. Gupta, T. Koren, Y. Singer, "Shampoo: Preconditioned Stochastic Tensor Optimization", ICML 2018, arXiv:1802.09568',
    ],
    soap: [
      'N. Vyas, D. Morwani, R. Zhao, M. Kwun, I. Shapira, D. Brandfonbrener, L. Janson, S. Kakade, "SOAP: Improving and Stabilizing Shampoo using Adam", 2024, arXiv:2409.11321',
    ],
    sophia: [
      'H. Liu, Z. Li, D. Hall, P. Liang, T. Ma, "Sophia: A Scalable Stochastic Second-order Optimizer for Language Model Pre-training", ICLR 2024, arXiv:2305.14342',
    ],
  },
  "data.dataset": {
    "cifar-10": [cifar],
    "cifar-100": [cifar],
    "fashion-mnist": [fashionMnist],
    "block-graph": [
      'P. W. Holland, K. B. Laskey, S. Leinhardt, "Stochastic Blockmodels: First Steps", Social Networks 5(2) 1983, doi 10.1016/0378-8733(83)90021-7',
    ],
    "fashion-mnist-10k": [fashionMnist],
    "image-neighbours": [fashionMnist],
    "image-questions": [fashionMnist],
    mnist: [
      'Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition", Proceedings of the IEEE 86(11), 1998, doi 10.1109/5.726791',
    ],
    "tiny-shakespeare": [
      'A. Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015, https://karpathy.github.io/2015/05/21/rnn-effectiveness/',
    ],
  },
  "data.partition.scheme": {
    communities: [
      'U. N. Raghavan, R. Albert, S. Kumara, "Near Linear Time Algorithm to Detect Community Structures in Large-Scale Networks", Physical Review E 76(3) 2007, arXiv:0709.2938',
    ],
    "long-tail": [
      'Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019, arXiv:1901.05555',
    ],
    "quantity-skew": [silos],
    shards: [mcmahan],
  },
  /** The two ways to draw label shares. */
  "data.partition.recipe": { disjoint: [yurochkin, silos], "equal-size": [hsu] },
  "model.name": {
    "char-transformer": [
      'A. Radford, J. Wu, R. Child, D. Luan, D. Amodei, I. Sutskever, "Language Models are Unsupervised Multitask Learners", OpenAI 2019, https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf',
    ],
    "cnn-28x28": [mcmahan],
    "cnn-cifar": [
      'F. Granqvist, C. Song, Á. Cahill, R. van Dalen, M. Pelikan, Y. S. Chan, X. Feng, N. Krishnaswami, V. Jina, M. Chitnis, "pfl-research: simulation framework for accelerating research in Private Federated Learning", 2024, arXiv:2404.06430',
    ],
    gcn: [
      'T. N. Kipf, M. Welling, "Semi-Supervised Classification with Graph Convolutional Networks", ICLR 2017, arXiv:1609.02907',
    ],
    lenet5: [
      'D. A. E. Acar, Y. Zhao, R. Matas Navarro, M. Mattina, P. N. Whatmough, V. Saligrama, "Federated Learning Based on Dynamic Regularization", ICLR 2021, arXiv:2111.04263',
    ],
    resnet8: resnet,
    resnet10: resnet,
    resnet18: resnet,
    vilt: [
      'W. Kim, B. Son, I. Kim, "ViLT: Vision-and-Language Transformer Without Convolution or Region Supervision", ICML 2021, arXiv:2102.03334',
    ],
    vit: [
      'A. Dosovitskiy, L. Beyer, A. Kolesnikov, D. Weissenborn, X. Zhai, T. Unterthiner, M. Dehghani, M. Minderer, G. Heigold, S. Gelly, J. Uszkoreit, N. Houlsby, "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", ICLR 2021, arXiv:2010.11929',
      'X. Zhai, A. Kolesnikov, N. Houlsby, L. Beyer, "Scaling Vision Transformers", CVPR 2022, arXiv:2106.04560',
    ],
  },
  "training.schedule": {
    cosine: [
      'I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, arXiv:1608.03983',
    ],
  },
};
