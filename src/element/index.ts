/** The entry `fovea/element`: the class, for pages that register it themselves or under another name. */
export type * from "../api.ts";
export { FoveaError, type FoveaErrorCode } from "../errors.ts";
export { type EngineLease, type EngineLoader, EngineRegistry, type EngineWatcher } from "./engines.ts";
export type * from "./events.ts";
export { FoveaChat } from "./fovea-chat.ts";
export type { TokenBudget } from "./settings.ts";
