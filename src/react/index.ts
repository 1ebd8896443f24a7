/** The entry `fovea/react`: a model as a hook. */
export type * from "../api.ts";
export { FoveaError, type FoveaErrorCode } from "../errors.ts";
export { type FoveaHook, type FoveaStatus, type UseFoveaOptions, useFovea } from "./use-fovea.ts";
