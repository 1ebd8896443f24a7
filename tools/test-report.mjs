// Counts in Vitest's JSON report. Vitest's own totals omit tests that never ran: files that do not load, and suites whose
// setup fails.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";

/**
 * @typedef {object} Report
 * @property {{ name: string, status: string, message?: string, assertionResults: { status: string, fullName: string, failureMessages?: string[], meta?: { device?: string } }[] }[]} testResults
 */

/**
 * @param {string} path
 * @param {string} root file names are relative to it
 * @returns {import("./test.mjs").Counts}
 */
export function readReport(path, root) {
  return countReport(JSON.parse(readFileSync(path, "utf8")), root);
}

/**
 * @param {Report} report
 * @param {string} root
 * @returns {import("./test.mjs").Counts}
 */
export function countReport({ testResults }, root) {
  /** @type {import("./test.mjs").Counts} */
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [], needs: {} };
  if (testResults.length === 0) {
    counts.failed++;
    counts.failures.push("no test was found");
  }
  for (const { name, status, message, assertionResults } of testResults) {
    const file = relative(root, name);
    /** @param {string[]} statuses */
    const of = (...statuses) => assertionResults.filter((one) => statuses.includes(one.status));
    const failed = of("failed");
    const skipped = of("skipped", "pending", "todo", "disabled");
    counts.passed += of("passed").length;
    // Written by test/gpu/adapter.gpu.test.ts.
    const device = assertionResults.find(({ meta }) => meta?.device)?.meta?.device;
    if (device) counts.device = device;
    counts.failed += failed.length;
    counts.failures.push(...failed.map((one) => `${file}: ${one.fullName}${reasonOf(one.failureMessages?.[0])}`));
    if (status === "failed" && failed.length === 0) {
      counts.failed++;
      counts.failures.push(`${file}: ${message?.trim().split("\n")[0] || "a suite could not be prepared"}`);
    }
    counts.skipped += skipped.length;
    if (skipped.length > 0) counts.skips.push(`${skipped.length} of ${file}`);
    for (const { fullName } of skipped) {
      // Written by test/support/shared.ts.
      const need = / \[needs ([^\]]+)\]/.exec(fullName)?.[1] ?? "";
      counts.needs[need] = (counts.needs[need] ?? 0) + 1;
    }
  }
  return counts;
}

/**
 * The first line of a failure's message, so that a record of the last lines tells the cause.
 * @param {string} [message]
 */
function reasonOf(message) {
  const line = stripVTControlCharacters(message ?? "")
    .trim()
    .split("\n")[0];
  return line ? ` (${line.slice(0, 200)})` : "";
}

/**
 * The reasons of skipped tests, in one line, the most frequent first.
 * @param {Record<string, number>} needs
 */
export function reasonsOf(needs) {
  return Object.entries(needs)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([folder, count]) => (folder ? `${count} need ${folder}` : `${count} do not say why`))
    .join(", ");
}
