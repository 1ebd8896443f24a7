// node tools/families.mjs: writes the table of families into docs/families.md, from the registry and from the published
// repositories of test/families. tools/family-table.ts makes the table.
import { readFileSync, writeFileSync } from "node:fs";
import { importTypeScript } from "./typescript.mjs";

/** @type {typeof import("./family-table.ts")} */
const { withTable } = await importTypeScript("tools/family-table.ts");
const page = new URL("../docs/families.md", import.meta.url);
writeFileSync(page, withTable(readFileSync(page, "utf8")));
