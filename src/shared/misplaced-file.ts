/** Recognises files whose content does not match their name, for messages with a next step. */

/** How the pointer of Git's large-file storage begins. */
const LFS_START = "version https://git-lfs.github.com/spec/";

/** Enough of a file's start to recognise it. */
export const START_BYTES = 200;

/**
 * Describes a file that is not the expected one, with the next step; undefined where its start is not recognised.
 *
 * @param start the file's first characters
 */
export function misplacedFile(start: string): string | undefined {
  if (start.startsWith(LFS_START)) {
    const size = /^size (\d{1,16})$/m.exec(start)?.[1];
    const whole = size === undefined ? "the file itself" : `the file itself of ${size} bytes`;
    return `it is a Git LFS pointer, not ${whole}; run "git lfs pull" in the folder, or download the file from the hub`;
  }
  if (/^\s*<(!doctype|html|head|body|\?xml)/i.test(start))
    return "it is a web page; check the address, which must lead to the file itself";
  return undefined;
}

/** Strings of JSON, so that words in them do not count, or a number that Python writes and JSON does not have. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:NaN|Infinity)\b/gs;

/**
 * Why a text is not JSON, and the next step.
 *
 * @param error what the parser threw
 */
export function jsonProblem(text: string, error: unknown): string {
  const misplaced = misplacedFile(text.slice(0, START_BYTES));
  if (misplaced) return misplaced;
  for (const { 0: found, index } of text.matchAll(STRING_OR_NUMBER)) {
    if (found.startsWith('"')) continue;
    const line = text.slice(0, index).split("\n").length;
    return `${found} in line ${line} is not JSON, although Python writes it; replace it by null or a number`;
  }
  return `not valid JSON (${error instanceof Error ? error.message : String(error)}); fetch the file again`;
}
