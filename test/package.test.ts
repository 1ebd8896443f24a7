/** What package.json says to who looks for the package, and to bundlers. The packed archive has an end-to-end test. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { projectRoot } from "./support/command.ts";

test("it can be found by what it does", () => {
  expect(packageJson.description).toMatch(/pictures/);
  expect(packageJson.keywords).toEqual(expect.arrayContaining(["webgpu", "vision-language-model", "web-component"]));
  expect(packageJson.license).toBe("Apache-2.0");
});

test("each entry has types, which come first, and a source that has the same name", () => {
  for (const [name, entry] of Object.entries(packageJson.exports)) {
    if (typeof entry === "string") continue;
    expect(Object.keys(entry), name).toEqual(["types", "default"]);
    const source = entry.types.replace("./dist/lib/types/", "src/").replace(".d.ts", ".ts");
    expect([name, existsSync(join(projectRoot, source))]).toEqual([name, true]);
  }
});

test("the demo model and React are optional, and versions are exact", () => {
  expect(packageJson.peerDependenciesMeta).toEqual({
    "fovea-demo-model": { optional: true },
    react: { optional: true },
  });
  expect(packageJson.peerDependencies["fovea-demo-model"]).toBe(packageJson.version);
  for (const [name, version] of Object.entries(packageJson.dependencies))
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
});
