// npm run ask: one question from a terminal. The command line is looked at here, before anything large is loaded; the rest
// is ask-browser.mjs.
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
    // A browser that does not start and a compiler that complains have much to say after their first line.
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(message.trim().split("\n")[0], { cause: error });
  }
}
