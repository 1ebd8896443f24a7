/** The entry `fovea/element/define`: registers `<fovea-chat>`. The one module of this room that does something when it is loaded. */
import { FoveaChat } from "./fovea-chat.ts";

export * from "./index.ts";

// A page may load this from two places; who comes first stays.
if (!customElements.get("fovea-chat")) customElements.define("fovea-chat", FoveaChat);
