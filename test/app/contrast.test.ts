/** Borders of controls against what lies around them: WCAG 1.4.11 asks for 3 : 1, and axe does not measure it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { base } from "../../src/app/parts/base.ts";
import { projectRoot } from "../support/command.ts";

const [light, dark] = readFileSync(join(projectRoot, "src/app/page.css"), "utf8").split(
  "@media (prefers-color-scheme: dark)",
) as [string, string];

function colour(scheme: string, name: string): [number, number, number] {
  const hex = new RegExp(`${name}: #([0-9a-f]{6});`).exec(scheme)![1]!;
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255) as [number, number, number];
}

/** Relative luminance, as WCAG defines it. */
function luminance(rgb: readonly number[]): number {
  const [r, g, b] = rgb.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: readonly number[], b: readonly number[]): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

test.for([
  ["light", light],
  ["dark", dark],
] as const)("in the %s scheme", ([, scheme]) => {
  for (const ground of ["--card", "--paper"])
    expect(contrast(colour(scheme, "--edge"), colour(scheme, ground)), ground).toBeGreaterThanOrEqual(3);
});

test("buttons and fields have that border", () => {
  const rule = (selector: string) => base.cssText.split(`\n  ${selector} {`)[1]!.split("}")[0]!;
  expect(rule("button")).toContain("border: 1px solid var(--edge)");
  expect(rule('input[type="text"],\n  select,\n  textarea')).toContain("border: 1px solid var(--edge)");
});
