import { describe, expect, test, vi } from "vitest";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { openFolder } from "../../src/weights/folder.ts";
import { QUICK_RETRY, serve, withRanges } from "./http-server.ts";
import { f32, safetensorsFile } from "./safetensors-file.ts";

// A busy machine is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

const INDEX = "model.safetensors.index.json";
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** Two shards and their index; `change` makes it wrong. */
function sharded(change: (weightMap: Record<string, unknown>) => unknown = () => {}) {
  const weightMap: Record<string, unknown> = { a: "s1.safetensors", b: "s1.safetensors", c: "s2.safetensors" };
  change(weightMap);
  return {
    "s1.safetensors": safetensorsFile([f32("a", 2), f32("b", 3)]),
    "s2.safetensors": safetensorsFile([f32("c", 4)]),
    [INDEX]: json({ metadata: { total_size: "nonsense" }, weight_map: weightMap }),
  };
}

describe("checkpoints as they should be", () => {
  test("a single file", async () => {
    const file = safetensorsFile([f32("a", 2), f32("b", 0)]);
    const { tensors, files, byteLength } = await openCheckpoint(openFolder({ "model.safetensors": file }));
    expect([...tensors.keys()].sort()).toEqual(["a", "b"]);
    expect(byteLength).toBe(file.length);
    expect(files.get("model.safetensors")!.byteLength).toBe(file.length);
  });

  test("shards behind an index", async () => {
    const files = sharded();
    const checkpoint = await openCheckpoint(openFolder(files));
    expect([...checkpoint.tensors.values()].map(({ name, planes }) => [name, planes[0]!.file])).toEqual([
      ["a", "s1.safetensors"],
      ["b", "s1.safetensors"],
      ["c", "s2.safetensors"],
    ]);
    expect(checkpoint.byteLength).toBe(files["s1.safetensors"].length + files["s2.safetensors"].length);
  });

  test("a single file wins over an index", async () => {
    const single = safetensorsFile([f32("single", 2)]);
    const { tensors } = await openCheckpoint(openFolder({ ...sharded(), "model.safetensors": single }));
    expect([...tensors.keys()]).toEqual(["single"]);
  });

  test("each shard costs one request, and six are asked for at a time", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `model-${i}.safetensors`);
    const files = Object.fromEntries(names.map((name, i) => [name, safetensorsFile([f32(`t${i}`, 2)])]));
    const index = { weight_map: Object.fromEntries(names.map((name, i) => [`t${i}`, name])) };
    // Answers are held back until six shards are waiting, or all that are left, and then some time for a seventh.
    let waiting: (() => void)[] = [];
    let answered = 0;
    let mostWaiting = 0;
    const server = await serve({ ...files, [INDEX]: json(index) }, (served) => {
      if (served.request.url!.includes("index")) return withRanges(served);
      waiting.push(() => withRanges(served));
      mostWaiting = Math.max(mostWaiting, waiting.length);
      if (waiting.length !== Math.min(6, names.length - answered)) return;
      setTimeout(() => {
        const ready = waiting;
        waiting = [];
        answered += ready.length;
        for (const answer of ready) answer();
      }, 30);
    });
    const { tensors } = await openCheckpoint(openFolder(server.url));
    expect([...tensors.keys()]).toEqual(names.map((_, i) => `t${i}`));
    expect(server.requests).toHaveLength(2 + 20);
    expect(mostWaiting).toBe(6);
  });
});

test("an index may list tensors that no shard holds, and leave some out", async () => {
  const files = sharded((map) => {
    map["lm_head.weight"] = "s1.safetensors";
    delete map.b;
  });
  const { tensors } = await openCheckpoint(openFolder(files));
  expect([...tensors.keys()].sort()).toEqual([...(await openCheckpoint(openFolder(sharded()))).tensors.keys()].sort());
});

describe("checkpoints that are refused", () => {
  test("a folder without weights says what was looked for", async () => {
    const opening = openCheckpoint(openFolder({ "pytorch_model.bin": new Uint8Array(8) }));
    await expect(opening).rejects.toMatchObject({
      code: "bad-weights",
      message: expect.stringMatching(/found neither model\.safetensors nor model\.safetensors\.index\.json/),
    });
  });

  const indexOf = (index: unknown) => ({ ...sharded(), [INDEX]: json(index) });
  test.each<[string, Record<string, Uint8Array>, RegExp]>([
    ["an index that is a list", indexOf([]), /weight_map is not an object/],
    ["an index that is null", indexOf(null), /weight_map is not an object/],
    ["no weight_map", indexOf({ metadata: {} }), /weight_map is not an object/],
    ["a weight_map that is a list", indexOf({ weight_map: ["s1.safetensors"] }), /weight_map is not an object/],
    ["an empty weight_map", indexOf({ weight_map: {} }), /weight_map is empty/],
    [
      "a doubled tensor",
      { ...sharded(), [INDEX]: new TextEncoder().encode('{"weight_map":{"a":"s1.safetensors","a":"s2.safetensors"}}') },
      /"a" occurs twice/,
    ],
    [
      "a shard that is a number",
      sharded((map) => {
        map.a = 1;
      }),
      /the shard of tensor "a" is not a string/,
    ],
    [
      "a shard outside the folder",
      sharded((map) => {
        map.a = "../s1.safetensors";
      }),
      /"\.\.\/s1\.safetensors" of tensor "a" is not a safetensors file in this folder/,
    ],
    [
      "a shard at the root",
      sharded((map) => {
        map.a = "/s1.safetensors";
      }),
      /not a safetensors file in this folder/,
    ],
    [
      "a shard in a subfolder",
      sharded((map) => {
        map.a = "x\\s1.safetensors";
      }),
      /not a safetensors file in this folder/,
    ],
    [
      "a shard elsewhere",
      sharded((map) => {
        map.a = "https://evil.example/s1.safetensors";
      }),
      /not a safetensors file in this folder/,
    ],
    [
      "a shard of another kind",
      sharded((map) => {
        map.a = "config.json";
      }),
      /not a safetensors file in this folder/,
    ],
    [
      "half a surrogate",
      sharded((map) => {
        map.a = "\uD800.safetensors";
      }),
      /not a safetensors file in this folder/,
    ],
    [
      "a missing shard",
      sharded((map) => {
        map.a = "s3.safetensors";
      }),
      /the shard "s3\.safetensors" is missing/,
    ],
    [
      "a tensor in another shard",
      sharded((map) => {
        map.b = "s2.safetensors";
      }),
      /"s1\.safetensors" holds tensor "b", which the index puts into "s2\.safetensors"/,
    ],
    [
      "a tensor in two shards",
      { ...sharded(), "s2.safetensors": safetensorsFile([f32("c", 4), f32("a", 2)]) },
      /"s2\.safetensors" holds tensor "a", which the index puts into "s1/,
    ],
    [
      "a tensor in two shards that the index does not list",
      {
        ...sharded(),
        "s1.safetensors": safetensorsFile([f32("x", 2)]),
        "s2.safetensors": safetensorsFile([f32("x", 2)]),
      },
      /the shards "s1\.safetensors" and "s2\.safetensors" both hold tensor "x"/,
    ],
    [
      "too many shards",
      indexOf({
        weight_map: Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`t${i}`, `${i}.safetensors`])),
      }),
      /lists 1025 shards, the limit is 1024/,
    ],
    [
      "a damaged shard",
      { ...sharded(), "s2.safetensors": new Uint8Array(100) },
      /s2\.safetensors: the header does not start/,
    ],
  ])("%s", async (_, files, message) => {
    await expect(openCheckpoint(openFolder(files))).rejects.toMatchObject({
      name: "FoveaError",
      code: "bad-weights",
      message: expect.stringMatching(message),
    });
  });

  test("names special in JavaScript do not reach a prototype", async () => {
    const files = {
      "s1.safetensors": safetensorsFile([f32("t", 2)]),
      [INDEX]: new TextEncoder().encode('{"weight_map":{"__proto__":"s1.safetensors","t":"s1.safetensors"}}'),
    };
    expect([...(await openCheckpoint(openFolder(files))).tensors.keys()]).toEqual(["t"]);
  });

  test("the first damaged shard ends the transfers of the others", async () => {
    const names = Array.from({ length: 12 }, (_, i) => `s${i}.safetensors`);
    const index = { weight_map: Object.fromEntries(names.map((name, i) => [`t${i}`, name])) };
    const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(100)]));
    let dropped = 0;
    let arrived = 0;
    let answerDamaged = () => {};
    const server = await serve({ ...files, [INDEX]: json(index) }, (served) => {
      if (!served.request.url!.startsWith("/s")) return withRanges(served);
      if (served.request.url === "/s1.safetensors") answerDamaged = () => withRanges(served);
      else served.response.on("close", () => dropped++);
      if (++arrived === 6) answerDamaged();
    });
    await expect(openCheckpoint(openFolder(server.url))).rejects.toThrow(/^s1\.safetensors: /);
    await expect.poll(() => dropped, { timeout: 20_000 }).toBe(5);
    expect(server.requests).toHaveLength(2 + 6);
  });
});

describe("aborts", () => {
  test("while a header is on its way", async () => {
    const server = await serve(sharded(), (served) => {
      if (!served.request.url!.startsWith("/s")) withRanges(served);
    });
    const opening = openCheckpoint(openFolder(server.url, { retry: QUICK_RETRY }), { signal: AbortSignal.timeout(50) });
    await expect(opening).rejects.toMatchObject({ name: "FoveaError", code: "aborted" });
  });

  test("before anything", async () => {
    const opening = openCheckpoint(openFolder(sharded()), { signal: AbortSignal.abort() });
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
  });
});
