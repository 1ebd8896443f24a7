/** Calls functions of a module in a headless page from Node. Passes plain data; errors come back as errors. */
/** The used part of a page, of Playwright and of Puppeteer. */
interface ModulePage {
  addScriptTag(script: { type: string; content: string }): Promise<unknown>;
  evaluate<A, R>(body: (argument: A) => Promise<R>, argument: A): Promise<R>;
}

/** The page's global for the functions, because Node cannot reach a module's exports. */
const GLOBAL = "fovea-page-module";

/** Functions with one argument of plain data. */
// biome-ignore lint/suspicious/noExplicitAny: callers infer each function's own argument type from its name
type PageModule = Record<string, (argument: any) => unknown>;
type Outcome<Result> = { result: Result } | { message: string };

/** Loads the module at this address into the page, for `callModule`. */
export async function addModule(page: ModulePage, address: string): Promise<void> {
  const content = `import * as functions from "${address}"; window["${GLOBAL}"] = functions;`;
  await page.addScriptTag({ type: "module", content });
  await page.evaluate(async (name) => {
    while (!Reflect.has(window, name)) await new Promise((resolve) => setTimeout(resolve, 20));
  }, GLOBAL);
}

/** Calls a function of the added module. Throws an Error with the message of the function's error. */
export async function callModule<Module extends PageModule, Name extends keyof Module & string>(
  page: ModulePage,
  name: Name,
  argument: Parameters<Module[Name]>[0],
): Promise<Awaited<ReturnType<Module[Name]>>> {
  const outcome = (await page.evaluate(
    async ({ global, name, argument }) => {
      try {
        return { result: await Reflect.get(window, global)[name](argument) };
      } catch (error) {
        return { message: error instanceof Error ? error.message : String(error) };
      }
    },
    { global: GLOBAL, name, argument },
  )) as Outcome<Awaited<ReturnType<Module[Name]>>>;
  if ("message" in outcome) throw new Error(outcome.message);
  return outcome.result;
}
