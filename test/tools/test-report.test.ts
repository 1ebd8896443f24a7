/** The counts that `npm test` ends with: nothing that failed or was left out may be missing from them. */
import { expect, test } from "vitest";
import { countReport, reasonsOf } from "../../tools/test-report.mjs";

const passed = { status: "passed", fullName: "adds" };
const failed = { status: "failed", fullName: "divides" };
const skipped = { status: "skipped", fullName: "reads" };

test("counts each test once", () => {
  const files = [
    { name: "/root/test/a.test.ts", status: "failed", assertionResults: [passed, failed, passed] },
    {
      name: "/root/test/b.test.ts",
      status: "passed",
      assertionResults: [passed, skipped, { ...skipped, status: "todo" }],
    },
  ];
  expect(countReport({ testResults: files }, "/root")).toEqual({
    passed: 3,
    failed: 1,
    skipped: 2,
    failures: ["test/a.test.ts: divides"],
    skips: ["2 of test/b.test.ts"],
    needs: { "": 2 },
  });
});

test("says which folders are wanted, as the names of skipped tests do", () => {
  const names = [
    "a [needs ../shared/real/photos] b",
    "c [needs ../shared/golden]",
    "d",
    "e [needs ../shared/golden] f",
  ];
  const file = {
    ...{ name: "/root/test/a.test.ts", status: "passed" },
    assertionResults: names.map((fullName) => ({ ...skipped, fullName })),
  };
  const { needs } = countReport({ testResults: [file] }, "/root");
  expect(reasonsOf(needs)).toBe("2 need ../shared/golden, 1 do not say why, 1 need ../shared/real/photos");
});

test("a file that did not load or could not be prepared is a failure", () => {
  const file = { name: "/root/a.test.ts", status: "failed", message: "no adapter\n  at x", assertionResults: [] };
  const { failed, failures } = countReport({ testResults: [file, { ...file, assertionResults: [skipped] }] }, "/root");
  expect({ failed, failures }).toEqual({ failed: 2, failures: ["a.test.ts: no adapter", "a.test.ts: no adapter"] });
});

test("a failed test's first line of the reason is told, without colours", () => {
  const failureMessages = ["\u001b[31mError: 3 is not 4\u001b[39m\n  at x"];
  const file = { name: "/root/a.test.ts", status: "failed", assertionResults: [{ ...failed, failureMessages }] };
  expect(countReport({ testResults: [file] }, "/root").failures).toEqual(["a.test.ts: divides (Error: 3 is not 4)"]);
});

test("no tests at all is a failure", () => {
  expect(countReport({ testResults: [] }, "/root").failed).toBe(1);
});
