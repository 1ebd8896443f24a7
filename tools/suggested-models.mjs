// node tools/suggested-models.mjs: writes families and sizes of the suggested models. tools/suggested-models.ts plans them.
import { readFileSync, writeFileSync } from "node:fs";
import { importTypeScript } from "./typescript.mjs";

/** @type {typeof import("./suggested-models.ts")} */
const { MANIFEST, sizedModels } = await importTypeScript("tools/suggested-models.ts");
const manifest = JSON.parse(readFileSync(MANIFEST, "utf8"));
writeFileSync(MANIFEST, `${JSON.stringify({ ...manifest, suggested: sizedModels }, null, 2)}\n`);
