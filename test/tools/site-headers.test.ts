/** The site's security headers: the same policy in the page and for every host, with frames forbidden. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseHeaders } from "../../tools/serve.mjs";

const headers = parseHeaders(readFileSync("public/_headers", "utf8"));
const policy = headers["Content-Security-Policy"]!;

test("the page's own policy is that of the headers, but for frames", () => {
  const [, own] = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(readFileSync("index.html", "utf8"))!;
  expect(policy).toBe(`${own}; frame-ancestors 'none'`);
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).not.toMatch(/'unsafe|\*(?!;|\s|:)/);
});

test.for([
  ["examples/hosting/nginx.conf", (name: string, value: string) => `add_header ${name} "${value}" always;`],
  ["examples/hosting/apache.conf", (name: string, value: string) => `Header always set ${name} "${value}"`],
] as const)("%s has the same headers", ([file, line]) => {
  const text = readFileSync(file, "utf8");
  expect(Object.keys(headers)).toHaveLength(5);
  for (const [name, value] of Object.entries(headers)) expect(text).toContain(line(name, value));
});
