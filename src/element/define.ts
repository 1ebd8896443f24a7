/** The entry `fovea/element/define`: registers `<fovea-chat>` when it is loaded, wherever there are elements. */
import { FoveaChat } from "./fovea-chat.ts";

export * from "./index.ts";

// A server renders pages without a registry. A page may load this from two places; the first registration stays.
if (globalThis.customElements && !customElements.get("fovea-chat")) customElements.define("fovea-chat", FoveaChat);
