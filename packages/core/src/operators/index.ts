export { type CompressedDescentOptions, compressedDescent } from "./descent.ts";
export { affineOperator, type DeviceOperator } from "./device-operator.ts";
export { type MashaDraws, type MashaOptions, type MashaStep, masha, mashaDraws } from "./masha.ts";
