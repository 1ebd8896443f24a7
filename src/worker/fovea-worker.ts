/** The worker's script: starts serving when it is loaded. */
import type { Port, ToPage, ToWorker } from "./protocol.ts";
import { allowGrammarScript } from "./trusted-types.ts";
import { serve } from "./worker.ts";

allowGrammarScript();
serve(globalThis as unknown as Port<ToWorker, ToPage>);
