/** The entry `fovea/element/define`: registers `<fovea-chat>` when it is loaded. */
import { FoveaChat } from "./fovea-chat.ts";

export * from "./index.ts";

// A page may load this from two places; the first registration stays.
if (!customElements.get("fovea-chat")) customElements.define("fovea-chat", FoveaChat);
