export { type DirichletDisjointOptions, dirichletDisjoint } from "./dirichlet-disjoint.ts";
export { dirichletEqualSize } from "./dirichlet-equal-size.ts";
export { iid } from "./iid.ts";
export { type LongTailOptions, longTail } from "./long-tail.ts";
export { type NaturalOptions, natural } from "./natural.ts";
export { quantitySkew } from "./quantity-skew.ts";
export { shards } from "./shards.ts";
export { createPartitioner, type PartitionerEntry, type PartitionerName, partitioners } from "./table.ts";
