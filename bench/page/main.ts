/** The benchmark's page: runs the parts that need only a GPU, shows their figures, and saves them as JSON. */

import { PAGE_PARTS } from "../parts/page-parts.ts";
import { runPart } from "../parts/part.ts";
import { type PartResult, type SizeName, valueText } from "../parts/result.ts";

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [start, stop] = [byId<HTMLButtonElement>("start"), byId<HTMLButtonElement>("stop")];
const save = byId<HTMLButtonElement>("save");
const status = byId("status");
const results = byId("results");

/** Values of ?size= in the page's address. */
const SIZES: readonly string[] = ["tiny", "small", "large"] satisfies SizeName[];
const asked = new URLSearchParams(location.search).get("size") ?? "";
const size = SIZES.includes(asked) ? (asked as SizeName) : undefined;

let isStopped = false;
stop.addEventListener("click", () => {
  isStopped = true;
  status.textContent = "Stopping after the current part ...";
});
start.addEventListener("click", () => void run());
// The button is enabled here, because the page is shown before this script has loaded.
start.disabled = false;
save.addEventListener("click", () => download());

let found: PartResult[] = [];

async function run(): Promise<void> {
  isStopped = false;
  start.disabled = true;
  stop.disabled = false;
  save.hidden = true;
  results.replaceChildren();
  found = [];
  const progress = (what: string) => {
    if (!isStopped) status.textContent = `Measuring ${what}. Keep this tab in the foreground.`;
  };
  try {
    for (const [name, part] of Object.entries(PAGE_PARTS)) {
      if (isStopped) break;
      const result = await runPart(name, part, { size, progress });
      found.push(result);
      results.append(section(result));
      save.hidden = false;
    }
    status.textContent = isStopped ? "Stopped." : "Done.";
  } catch (error) {
    status.textContent = "The benchmark failed.";
    const message = element("p", error instanceof Error ? error.message : String(error));
    message.className = "error";
    message.setAttribute("role", "alert");
    results.append(message);
  } finally {
    start.disabled = false;
    stop.disabled = true;
  }
}

function section({ part, adapter, software, runtime, size, figures, seconds }: PartResult): HTMLElement {
  const box = document.createElement("section");
  box.className = "card";
  const kind = software ? ", a software adapter: for comparison only" : "";
  const about = element("p", `${adapter}${kind}; ${runtime}; size ${size}; ${seconds.toFixed(1)} s`);
  about.className = "soft";
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const text of ["Figure", "Value"]) {
    const cell = element("th", text);
    cell.setAttribute("scope", "col");
    head.append(cell);
  }
  const body = table.createTBody();
  for (const figure of figures) body.insertRow().append(element("td", figure.what), element("td", valueText(figure)));
  box.append(element("h2", part), about, table);
  return box;
}

function element(name: string, text: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** Downloads all results so far. */
function download(): void {
  const about = { date: new Date().toISOString(), userAgent: navigator.userAgent };
  const link = document.createElement("a");
  const json = JSON.stringify({ ...about, parts: found }, null, 2);
  link.href = URL.createObjectURL(new Blob([json], { type: "application/json" }));
  link.download = "fovea-benchmark.json";
  link.click();
  URL.revokeObjectURL(link.href);
}
