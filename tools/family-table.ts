/** The table of families in docs/families.md, from the registry and the published repositories of test/families. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DescriptionFiles, familyNames } from "../src/families/registry.ts";
import { DESCRIPTION_FILES } from "../src/shared/model-files.ts";
import type { ModelSpec } from "../src/spec/model-spec.ts";
import { describeModel } from "../test/support/describe-model.ts";

const BEGIN = "<!-- families: written by `node tools/families.mjs` -->";
const END = "<!-- /families -->";
const root = fileURLToPath(new URL("..", import.meta.url));
const PUBLISHED = "test/families";
const GOLDENS = "test/golden/families";

interface Published {
  name: string;
  spec: ModelSpec;
  parameters: number;
  licence: string | undefined;
}

/** The page with a new table between its markers. Throws if a marker is missing. */
export function withTable(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/families.md needs ${BEGIN} and ${END}, in this order`);
  return `${page.slice(0, begin)}${BEGIN}\n${familyTable()}\n${page.slice(end)}`;
}

/** One line a family, in the registry's order. A family without a repository in test/families has empty cells. */
function familyTable(): string {
  const published = readPublished();
  const compared = comparedFamilies();
  const lines = familyNames().map((family) => {
    const models = published.filter(({ spec }) => spec.family === family);
    const names = models
      .sort((a, b) => a.parameters - b.parameters)
      .map(({ name, parameters, licence }) => `${name} (${[size(parameters), licence].filter(Boolean).join(", ")})`);
    const specs = models.map(({ spec }) => spec);
    return `| \`${family}\` | ${names.join(", ")} | ${picturesOf(specs)} | ${compared.has(family) ? "yes" : "no"} |`;
  });
  return ["| family | published models | pictures | compared |", "|---|---|---|---|", ...lines].join("\n");
}

function readPublished(): Published[] {
  const licences = json<Record<string, { licence: string }>>(`${PUBLISHED}/licences.json`);
  const folders = readdirSync(join(root, PUBLISHED), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const repositories = folders.flatMap(({ name }) =>
    readdirSync(join(root, PUBLISHED, name)).map((one) => join(name, one)),
  );
  const unknown = Object.keys(licences).find((name) => !repositories.some((one) => one.endsWith(`/${name}`)));
  if (unknown) throw new Error(`${PUBLISHED}/licences.json: no folder is called ${unknown}`);
  return repositories.map((repository) => {
    const folder = join(PUBLISHED, repository);
    const there = DESCRIPTION_FILES.filter((file) => existsSync(join(root, folder, file)));
    const files: DescriptionFiles = Object.fromEntries(there.map((file) => [file, json(join(folder, file))]));
    const name = repository.split("/")[1]!;
    const { parameters } = json<{ parameters: number }>(join(folder, "expected.json"));
    return { name, parameters, spec: describeModel(files), licence: licences[name]?.licence };
  });
}

/** Families with a case in golden.gpu.test.ts that a clone has. */
function comparedFamilies(): Set<string> {
  const cases = readdirSync(join(root, GOLDENS)).map((name) => join(GOLDENS, name, "case.json"));
  return new Set(
    cases.filter((file) => existsSync(join(root, file))).map((file) => json<{ family: string }>(file).family),
  );
}

/** Every family that cuts pictures cuts one of this size. */
const LARGE = [2000, 1500] as const;

function picturesOf(specs: readonly ModelSpec[]): string {
  if (specs.length === 0) return "";
  const plans = specs.flatMap(({ pictures }) => (pictures ? [pictures.plan(...LARGE, {})] : []));
  if (plans.length === 0) return "no";
  if (specs.every(({ decoder }) => !decoder)) return "one";
  return plans.some(({ views }) => views.length > 1) ? "several, tiles" : "several";
}

/** 494032768 -> "494M", 7063427072 -> "7.1B" */
function size(parameters: number): string {
  return parameters < 999.5e6 ? `${Math.round(parameters / 1e6)}M` : `${(parameters / 1e9).toFixed(1)}B`;
}

/** @param file from the root of the project */
function json<T>(file: string): T {
  return JSON.parse(readFileSync(join(root, file), "utf8")) as T;
}
