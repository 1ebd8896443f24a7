/** The public interface of Fovea. */
export type * from "./api.ts";
export { Fovea } from "./engine/fovea.ts";
export { planModel } from "./engine/plan-model.ts";
export { FoveaError, type FoveaErrorCode } from "./errors.ts";
export { deleteStoredModel, storageReport, storedModels } from "./weights/storage.ts";
