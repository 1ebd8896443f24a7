/** The parts that need only a GPU: for `npm run bench` in browsers and in Node, and for the site's own page. */
import { decoder } from "./decoder.ts";
import { kernels } from "./kernels.ts";
import { vision } from "./vision.ts";

export const PAGE_PARTS = { kernels, vision, decoder };
