/** Where a paper appeared, as BibTeX sees it. */
export interface Venue {
  readonly type: "inproceedings" | "article" | "techreport";
  /** Value of the field that this type needs: booktitle, journal or institution. */
  readonly name: string;
}

const conferences: Readonly<Record<string, string>> = {
  AAAI: "AAAI Conference on Artificial Intelligence",
  "ACM MM": "ACM International Conference on Multimedia",
  ACL: "Annual Meeting of the Association for Computational Linguistics",
  AISTATS: "International Conference on Artificial Intelligence and Statistics",
  CCS: "ACM Conference on Computer and Communications Security",
  COLT: "Conference on Learning Theory",
  CVPR: "Conference on Computer Vision and Pattern Recognition",
  ECCV: "European Conference on Computer Vision",
  "FL-ICML": "International Workshop on Federated Learning for User Privacy and Data Confidentiality, with ICML",
  EMNLP: "Conference on Empirical Methods in Natural Language Processing",
  ICASSP: "IEEE International Conference on Acoustics, Speech and Signal Processing",
  ICCV: "International Conference on Computer Vision",
  ICDE: "IEEE International Conference on Data Engineering",
  ICLR: "International Conference on Learning Representations",
  ICML: "International Conference on Machine Learning",
  "IEEE BigData": "IEEE International Conference on Big Data",
  IJCAI: "International Joint Conference on Artificial Intelligence",
  IJCNN: "International Joint Conference on Neural Networks",
  INFOCOM: "IEEE Conference on Computer Communications",
  Interspeech: "Annual Conference of the International Speech Communication Association",
  KDD: "ACM SIGKDD Conference on Knowledge Discovery and Data Mining",
  MICCAI: "Medical Image Computing and Computer Assisted Intervention",
  MLSys: "Conference on Machine Learning and Systems",
  MobiSys: "ACM International Conference on Mobile Systems, Applications, and Services",
  NDSS: "Network and Distributed System Security Symposium",
  NeurIPS: "Advances in Neural Information Processing Systems",
  OSDI: "USENIX Symposium on Operating Systems Design and Implementation",
  UAI: "Conference on Uncertainty in Artificial Intelligence",
  "USENIX Security": "USENIX Security Symposium",
  WWW: "The Web Conference",
};

const journals: Readonly<Record<string, string>> = {
  JMLR: "Journal of Machine Learning Research",
  "Physical Review E": "Physical Review E",
  "Proceedings of the IEEE": "Proceedings of the IEEE",
  "Signal Processing": "Signal Processing",
  "Social Networks": "Social Networks",
  TMLR: "Transactions on Machine Learning Research",
  TPAMI: "IEEE Transactions on Pattern Analysis and Machine Intelligence",
  TSP: "IEEE Transactions on Signal Processing",
};

const institutions: Readonly<Record<string, string>> = {
  OpenAI: "OpenAI",
  "University of Toronto": "University of Toronto",
};

/** The venue of a name such as "ICML"; undefined where it is not listed here. */
export function venueNamed(name: string): Venue | undefined {
  if (Object.hasOwn(conferences, name)) return { type: "inproceedings", name: `${conferences[name]} (${name})` };
  if (Object.hasOwn(journals, name)) return { type: "article", name: journals[name]! };
  if (Object.hasOwn(institutions, name)) return { type: "techreport", name: institutions[name]! };
  return undefined;
}
