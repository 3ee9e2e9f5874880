import { asynchronousBattery } from "./asynchronous-battery.ts";
import { clusteredBattery } from "./clustered-battery.ts";
import { compressedBattery } from "./compressed-battery.ts";
import { decentralisedBattery } from "./decentralised-battery.ts";
import { personalBattery } from "./personal-battery.ts";
import { subModelBattery } from "./sub-model-battery.ts";
import { zerothOrderBattery } from "./zeroth-order-battery.ts";

/** Methods that are listed by family. */
export const batteries = {
  ...asynchronousBattery,
  ...clusteredBattery,
  ...compressedBattery,
  ...decentralisedBattery,
  ...personalBattery,
  ...subModelBattery,
  ...zerothOrderBattery,
};
