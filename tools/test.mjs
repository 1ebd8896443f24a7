// npm test: types, style, build, unit tests, shaders on a WebGPU device in Chromium and in Firefox, end-to-end tests. All
// steps run, also after a failure; the last line is the total.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findChromium } from "./chromium.mjs";
import { asksForHelp, printHelp } from "./command-line.mjs";
import { lookForFirefox } from "./firefox.mjs";
import { root } from "./library.mjs";
import { readReport, reasonsOf } from "./test-report.mjs";
import { importTypeScript } from "./typescript.mjs";

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} failures failed tests, one line each
 * @property {string[]} skips skipped tests, one line each
 * @property {number} skipped
 * @property {Record<string, number>} needs skipped tests by the folder that they need; "" if the name gives none
 * @property {string | undefined} [device] the browser and its WebGPU device
 */

/** @type {Record<string, () => Counts | Promise<Counts>>} */
const STEPS = {
  types: () => program("types", "typescript/bin/tsc", []),
  style: () => program("style", "@biomejs/biome/bin/biome", ["check", "--error-on-warnings"]),
  build: () => outcomeOf("build", [join(root, "tools/run.mjs"), "build"]),
  node: () => vitest("node"),
  gpu: async () => onBrowser(await vitest("gpu"), versionOf(findChromium())),
  firefox: () => firefox(),
  e2e: () => vitest(["e2e", "e2e-timed"]),
};

/**
 * Steps that run only by name: they take long, or need more packages.
 * @type {Record<string, () => Promise<Counts>>}
 */
const FURTHER_STEPS = {
  long: () => vitest(["long", "long-node"]),
  small: () => firefox("small"),
  dawn: () => vitest("dawn"),
  wgpu: async () => vitest("wgpu", await deno()),
};

const HELP = `Checks types, style and build; runs unit tests, shaders and end-to-end tests.

  npm test [-- STEP ...]

  steps            ${Object.keys(STEPS).join(", ")} (default: all of these)
  only by name     ${Object.keys(FURTHER_STEPS).join(", ")}
  --help           prints this text

CHROME_PATH and FIREFOX_PATH name the browsers. FOVEA_GPU=1 uses this machine's GPU instead of a software adapter.
`;

/** @param {string[]} args names of steps; empty for all main steps */
export async function run(args) {
  if (asksForHelp(args)) return printHelp(HELP);
  const known = { ...STEPS, ...FURTHER_STEPS };
  const unknown = args.find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) throw new Error(`unknown step ${unknown}; steps: ${Object.keys(known).join(", ")}`);
  const names = args.length > 0 ? args : Object.keys(STEPS);
  try {
    // Found once here; all steps use the variable.
    process.env.CHROME_PATH = findChromium();
  } catch (error) {
    console.log(`${error instanceof Error ? error.message : error}\n0 passed, 1 failed`);
    return 1;
  }
  const results = [];
  for (const name of names) {
    console.log(`\n--- ${name} ---`);
    const start = performance.now();
    const counts = (await known[name]?.()) ?? fail(name, "it is missing");
    results.push({ name, counts, seconds: (performance.now() - start) / 1000 });
  }

  console.log("\n--- summary ---");
  for (const { name, counts, seconds } of results) {
    console.log(`${name}: ${sumUp(counts)} (${seconds.toFixed(0)} s)${counts.device ? `; ${counts.device}` : ""}`);
    for (const line of counts.skips) console.log(`  skipped: ${line}`);
    for (const line of counts.failures) console.log(`  FAILED: ${line}`);
  }
  const all = total(results.map(({ counts }) => counts));
  if (all.skipped > 0) console.log(`skipped: ${reasonsOf(all.needs)}`);
  console.log(sumUp(all));
  return all.failed > 0 ? 1 : 0;
}

/** @param {{ passed: number, failed: number, skipped: number }} counts */
function sumUp({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/**
 * @param {string} name
 * @param {string} reason
 * @returns {Counts}
 */
function fail(name, reason) {
  return { passed: 0, failed: 1, skipped: 0, failures: [`${name}: ${reason}`], skips: [], needs: {} };
}

/**
 * @param {Counts[]} counts
 * @returns {Counts}
 */
function total(counts) {
  /** @param {"passed" | "failed" | "skipped"} key */
  const sum = (key) => counts.reduce((all, one) => all + one[key], 0);
  return {
    passed: sum("passed"),
    failed: sum("failed"),
    skipped: sum("skipped"),
    failures: counts.flatMap(({ failures }) => failures),
    skips: counts.flatMap(({ skips }) => skips),
    needs: mergeNeeds(counts),
    device: counts.find(({ device }) => device)?.device,
  };
}

/** @param {Counts[]} counts */
function mergeNeeds(counts) {
  /** @type {Record<string, number>} */
  const all = {};
  for (const { needs } of counts)
    for (const [folder, count] of Object.entries(needs)) all[folder] = (all[folder] ?? 0) + count;
  return all;
}

/**
 * A program as one test: passed if it exits with 0.
 * @param {string} name
 * @param {string[]} args of Node
 */
function outcomeOf(name, args) {
  const { status, signal } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status === 0) return { passed: 1, failed: 0, skipped: 0, failures: [], skips: [], needs: {} };
  return fail(name, `exit code ${status ?? signal}`);
}

/**
 * @param {string} name
 * @param {string} script in node_modules
 * @param {string[]} args
 */
function program(name, script, args) {
  return outcomeOf(name, [join(root, "node_modules", script), ...args]);
}

/** Tests in a second browser. Without it they are skipped, with installation advice; in CI that is a failure. */
async function firefox(project = "firefox") {
  const { path, missing = "" } = lookForFirefox();
  if (path) {
    // Found once here; the end-to-end tests use the variable.
    process.env.FIREFOX_PATH = path;
    return onBrowser(await vitest(project), versionOf(path));
  }
  if (process.env.CI) return fail(project, missing);
  return { ...fail(project, missing), failed: 0, failures: [], skipped: 1, skips: [missing], needs: { Firefox: 1 } };
}

/** @param {string} executablePath of a browser */
function versionOf(executablePath) {
  return spawnSync(executablePath, ["--version"], { encoding: "utf8" }).stdout?.trim() || executablePath;
}

/**
 * @param {Counts} counts
 * @param {string} browser
 * @returns {Counts}
 */
function onBrowser(counts, browser) {
  return { ...counts, device: `${browser}, ${counts.device ?? "adapter unknown"}` };
}

/** The command line of Deno, in place of Node. */
async function deno() {
  /** @type {typeof import("../bench/peers/install.ts")} */
  const { ensurePackages } = await importTypeScript("bench/peers/install.ts");
  return [`${ensurePackages("wgpu")}/deno/bin.cjs`, "run", "--allow-all", "--unstable-webgpu"];
}

/**
 * Runs projects of vite.config.ts, and counts from their report.
 * @param {string | string[]} projects
 * @param {string[]} [runtime] arguments before the script
 * @returns {Promise<Counts>}
 */
async function vitest(projects, runtime = []) {
  const names = [projects].flat();
  const folder = mkdtempSync(join(tmpdir(), "fovea-test-"));
  try {
    const report = join(folder, "report.json");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const script = join(root, "node_modules/vitest/vitest.mjs");
    const selected = names.flatMap((name) => ["--project", name]);
    const args = [...runtime, script, "run", ...selected, ...reporters];
    const [code] = await once(spawn(process.execPath, args, { cwd: root, stdio: "inherit" }), "exit");
    if (!existsSync(report)) return fail(names.join(" and "), "it ended without a report");
    const counts = readReport(report, root);
    if (code !== 0 && counts.failed === 0) {
      counts.failed++;
      counts.failures.push(`${names.join(" and ")}: an error outside the tests`);
    }
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
