/** Models that run in this browser, as the element's own registry loads them and looks at them. */
import { createFovea } from "../worker/client.ts";
import { droppedModel } from "./dropped-model.ts";
import type { EngineLoader, ModelPlanner } from "./engines.ts";

/** Loads a value of the attribute `model` in a worker. Throws as `createFovea`. */
export const loadHere: EngineLoader = (value, options) => {
  const { source, variant } = droppedModel(value);
  return createFovea(source, { ...options, ...(variant && { variant }) });
};

/** Looks at a value of the attribute `model` in a worker. The code comes with the first look. Throws as `planModel`. */
export const planHere: ModelPlanner = async (value, options) => {
  const { planModel } = await import("../worker/plan-model.ts");
  const { source, variant } = droppedModel(value);
  return planModel(source, { ...options, ...(variant && { variant }) });
};
