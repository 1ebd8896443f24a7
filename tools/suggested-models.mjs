// node tools/suggested-models.mjs: writes the sizes of the page's suggested models. tools/suggested-models.ts plans them.
import { writeFileSync } from "node:fs";
import { importTypeScript } from "./typescript.mjs";

/** @type {typeof import("./suggested-models.ts")} */
const { LIST, sizedModels } = await importTypeScript("tools/suggested-models.ts");
writeFileSync(LIST, `${JSON.stringify(sizedModels, null, 2)}\n`);
