/** The gated delta rule over many rows: the plain recurrence, whatever the chunks. */
export { deltaRule as deltaChunks } from "./delta-step.ts";
