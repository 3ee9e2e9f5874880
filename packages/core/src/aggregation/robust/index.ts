export { aggregate, aggregationPasses, type RobustAggregate, type RuleInputs } from "./aggregate.ts";
export { selfCentredClipping } from "./centred-clipping.ts";
export { runInMemory } from "./passes.ts";
export { fewestUpdates, mostByzantine } from "./requirements.ts";
export {
  type BeforeStage,
  beforeStages,
  byzantineOf,
  isWeighted,
  type MultiKrum,
  type RobustRule,
  type SetRule,
  setRules,
} from "./rule.ts";
