/** The prime field of LightSecAgg: 2^26 - 5, so that a product of two elements is exact in a double. */
export const FIELD_PRIME = 67108859;
export const FIELD_BITS = 26;
