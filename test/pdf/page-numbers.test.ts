/** Page numbers as people write them. */
import { expect, test } from "vitest";
import { parsePages } from "../../src/pdf/page-numbers.ts";

test.each([
  ["1", [1]],
  [" 2 - 4 ,9", [2, 3, 4, 9]],
  ["3,1-3", [3, 1, 2]],
  ["7–8", [7, 8]],
])("%s", (text, pages) => {
  expect(parsePages(text, 10)).toEqual(pages);
});

test.each([
  ["", '"" is not a page; write 3, or 2-5, or 1, 4'],
  ["one", '"one" is not a page; write 3, or 2-5, or 1, 4'],
  ["1-", '"1-" is not a page; write 3, or 2-5, or 1, 4'],
  ["0", "page 0 is not in this PDF, whose pages are 1 to 100"],
  ["99-101", "page 99-101 is not in this PDF, whose pages are 1 to 100"],
  ["5-2", "page 5-2 is not in this PDF, whose pages are 1 to 100"],
  ["1-65", "at most 64 pages are read at once"],
  ["1-64,65", "at most 64 pages are read at once"],
])("%j is refused", (text, message) => {
  expect(() => parsePages(text, 100)).toThrow(new RangeError(message));
});

test("64 pages are not too many", () => {
  expect(parsePages("1-64", 100)).toHaveLength(64);
});
