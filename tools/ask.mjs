// npm run ask: one question from a terminal. Checks the command line before it loads anything large; ask-browser.mjs does
// the rest.
import { HELP, parseAskOptions } from "./ask-options.mjs";

/**
 * Throws an Error with a message of one line.
 * @param {string[]} args
 */
export async function run(args) {
  try {
    const options = parseAskOptions(args);
    if (options !== "help") {
      const { askInBrowser } = await import("./ask-browser.mjs");
      return await askInBrowser(options);
    }
    process.stdout.write(HELP);
    return 0;
  } catch (error) {
    // Errors of browsers and compilers have many lines; the first one says enough.
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(message.trim().split("\n")[0], { cause: error });
  }
}
