/** The worker's script: starts serving when it is loaded. */
import type { Port, ToPage, ToWorker } from "./protocol.ts";
import { serve } from "./worker.ts";

serve(globalThis as unknown as Port<ToWorker, ToPage>);
