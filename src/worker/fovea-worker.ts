/** The worker's script: starts serving when it is loaded. */
import { start } from "./fovea-engine.ts";

start();
