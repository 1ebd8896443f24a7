// npm run test:server: starts `transformers serve` with a small golden model and queries it through the built library.
// Not part of `npm test`: it needs Python with transformers. docs/server.md has the steps.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { asksForHelp, parseOptions, printHelp } from "./command-line.mjs";

const GOLDEN = fileURLToPath(new URL("../../shared/golden/families/", import.meta.url));
const MODEL = "smolvlm";
const START_MS = 300_000;
const HELP = `Starts transformers serve with a small model of ../shared/golden and asks it through fovea/remote.

  npm run test:server -- --python venv/bin/python

  --python FILE   a Python with torch, torchvision, transformers[serving] and num2words (default python3)
  --help          prints this text
`;

/** @param {string[]} args */
export async function run(args) {
  if (asksForHelp(args)) return printHelp(HELP);
  const { python = "python3" } = parseOptions(args, { python: { type: "string" } }, "--python venv/bin/python");
  const folder = `${GOLDEN}smolvlm-s3-spelled-f32-sharded/model`;
  if (!existsSync(folder)) throw new Error(`${folder} is missing; it holds the model`);
  const { ensureLibrary, libraryFolder } = await import("./library.mjs");
  await ensureLibrary();
  const place = mkdtempSync(join(tmpdir(), "fovea-server-"));
  symlinkSync(folder, join(place, MODEL));
  const port = await freePort();
  // The program's name on the path may belong to another Python.
  const start = `import sys; sys.argv = ["transformers", "serve", "${MODEL}", "--device", "cpu", "--host", "127.0.0.1", "--port", "${port}", "--enable-cors"]; from transformers.cli.transformers import main; main()`;
  const environment = { ...process.env, HF_HUB_OFFLINE: "1" };
  const server = spawn(python, ["-c", start], { cwd: place, env: environment, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  server.stderr.on("data", (text) => {
    said = (said + text).slice(-2000);
  });
  const ended = new Promise((_, reject) => {
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`the server ended: ${said.trim().split("\n").at(-1)}`)));
  });
  ended.catch(() => {});
  try {
    const origin = `http://127.0.0.1:${port}`;
    await Promise.race([ended, healthy(origin)]);
    /** @type {typeof import("../src/remote/index.ts")} */
    const library = await import(`${libraryFolder}/remote.js`);
    return await Promise.race([/** @type {Promise<never>} */ (ended), check(library, origin)]);
  } finally {
    server.kill();
    rmSync(place, { recursive: true, force: true });
  }
}

/**
 * @param {typeof import("../src/remote/index.ts")} library
 * @param {string} baseURL
 */
async function check({ createRemote }, baseURL) {
  let failures = 0;
  const expect = (/** @type {string} */ what, /** @type {boolean} */ holds, /** @type {unknown} */ got) => {
    if (!holds) failures++;
    console.log(`${holds ? "ok    " : "FAILED"} ${what}: ${JSON.stringify(got)}`);
  };
  const remote = createRemote({ baseURL, model: MODEL });
  const info = await remote.connect();
  expect("the server lists the model", info.warnings.length === 0, info.warnings);

  const expected = (/** @type {string} */ name) =>
    JSON.parse(readFileSync(new URL(`../test/remote/recorded/transformers-${name}.json`, import.meta.url), "utf8"));
  const text = remote.generate({ messages: [{ role: "user", content: "Hello there" }], maxTokens: 8 });
  expect("an answer to a text, as recorded", (await text.text()) === expected("text").answer, text.stats);
  const question = remote.generate({ messages: aboutPicture(), maxTokens: 8 });
  expect(
    "an answer about a picture, as recorded",
    (await question.text()) === expected("picture").answer,
    question.stats,
  );

  const { reason, milliseconds } = await abortAnswer(remote);
  expect("an abort ends within a second", reason === "abort" && milliseconds < 1000, { reason, milliseconds });

  for (const [what, options, request, status] of /** @type {const} */ ([
    ["a model that is not there", { model: "nope" }, {}, 400],
    ["a field that it does not know", { server: "vllm" }, { topK: 3 }, 422],
  ])) {
    const asked = createRemote({ baseURL, model: MODEL, ...options });
    /** @type {unknown} */
    const error = await asked
      .generate({ messages: [{ role: "user", content: "Hi" }], ...request })
      .text()
      .catch((/** @type {unknown} */ reason) => reason);
    const got = error instanceof Error ? error.message : error;
    expect(`${what} is refused`, error instanceof Error && Reflect.get(error, "status") === status, got);
  }
  return failures === 0 ? 0 : 1;
}

/** @returns {import("../src/api.ts").Message[]} */
function aboutPicture() {
  const image = new Blob([readFileSync(`${GOLDEN}pictures/wide_231x43.png`)], { type: "image/png" });
  const content = /** @type {const} */ ([
    { type: "text", text: "Read the words: " },
    { type: "image", image },
    { type: "text", text: " 42 coins?" },
  ]);
  return [
    { role: "system", content: "Answer with one number only." },
    { role: "user", content: [...content] },
  ];
}

/**
 * Aborts a long answer at its first text.
 * @param {import("../src/api.ts").FoveaModel} remote
 */
async function abortAnswer(remote) {
  const stop = new AbortController();
  const messages = [{ role: /** @type {const} */ ("user"), content: "Count." }];
  let stoppedAt = 0;
  let reason = "";
  for await (const event of remote.generate({ messages, maxTokens: 2000, signal: stop.signal })) {
    if (event.type === "text" && stoppedAt === 0) {
      stoppedAt = performance.now();
      stop.abort();
    }
    if (event.type === "done") reason = event.reason;
  }
  return { reason, milliseconds: Math.round(performance.now() - stoppedAt) };
}

/** @param {string} origin */
async function healthy(origin) {
  for (const end = Date.now() + START_MS; Date.now() < end; ) {
    const answer = await fetch(`${origin}/health`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`the server did not start within ${START_MS / 1000} s`);
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(address && typeof address === "object" ? address.port : 0));
    });
  });
}
