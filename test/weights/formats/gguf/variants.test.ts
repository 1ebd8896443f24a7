import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { planModel } from "../../../../src/engine/plan-model.ts";
import { splitChoice } from "../../../../src/shared/source.ts";
import type { Room } from "../../../../src/weights/formats/format.ts";
import {
  chosen,
  languageVariants,
  shardNames,
  visionFiles,
  visionVariants,
} from "../../../../src/weights/formats/gguf/variants.ts";
import { openModel } from "../../../../src/weights/formats/registry.ts";
import { withModel } from "../../../../src/weights/open-model.ts";
import type { ReadProgress } from "../../../../src/weights/read-tensors.ts";
import { type HubServer, startHub } from "../../../support/hub-server.ts";
import { describeShared, needing, sharedBytes } from "../../../support/shared.ts";

const NAMES = [
  ...["mmproj-model-f16.gguf", "mmproj-model-Q8_0.gguf", "README.md", "Model-1B-Instruct.Q8_0.gguf"],
  ...["Model-1B-Instruct.IQ2_XS.gguf", "Model-1B-Instruct.q4_k_m.gguf", "Model-1B-Instruct.F16-00001-of-00002.gguf"],
  "Model-1B-Instruct.F16-00002-of-00002.gguf",
];

test("the preferred quantisation comes first, each with its first part", () => {
  expect(languageVariants(NAMES).map(({ label }) => label)).toEqual(["Q4_K_M", "Q8_0", "F16", "IQ2_XS"]);
  expect(visionVariants(NAMES).map(({ label }) => label)).toEqual(["F16", "Q8_0"]);
  expect(shardNames("a-00001-of-00002.gguf")).toEqual(["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"]);
  expect(shardNames("a-00001-of-99999.gguf")).toHaveLength(1);
});

test.for([
  ["Q8_0", "Model-1B-Instruct.Q8_0.gguf"],
  ["Q4_K_M", "Model-1B-Instruct.q4_k_m.gguf"],
  ["f16", "Model-1B-Instruct.F16-00001-of-00002.gguf"],
  ["Model-1B-Instruct.F16-00002-of-00002.gguf", "Model-1B-Instruct.F16-00001-of-00002.gguf"],
  ["_0", undefined],
  ["Q4", undefined],
] as const)("the choice %s is %s", ([choice, file]) => {
  expect(chosen(languageVariants(NAMES), choice)[0]?.file).toBe(file);
});

test.for<[string, string[], string[]]>([
  ["b-500M-Q8_0.gguf", ["mmproj-b-256M-F16.gguf", "mmproj-b-500M-Q8_0.gguf"], ["mmproj-b-500M-Q8_0.gguf"]],
  ["b-256M-Q8_0.gguf", ["mmproj-b-500M-F16.gguf", "b-256M.mmproj-F16.gguf"], ["b-256M.mmproj-F16.gguf"]],
  ["text-1B-Q8_0.gguf", ["mmproj-b-500M-F16.gguf", "mmproj-model-F16.gguf"], ["mmproj-model-F16.gguf"]],
  ["b-500M-Q8_0.gguf", ["mmproj-F16.gguf", "mmproj-b-500M-F32.gguf"], ["mmproj-b-500M-F32.gguf", "mmproj-F16.gguf"]],
  ["b-500M-Q8_0.gguf", ["mmproj-Q8_0.gguf", "mmproj-F16.gguf"], ["mmproj-F16.gguf", "mmproj-Q8_0.gguf"]],
  ["b-500M-Q8_0.gguf", ["mmproj-someone.gguf"], ["mmproj-someone.gguf"]],
])("among files of several models, %s takes of %j %j", ([language, vision, taken]) => {
  const names = ["b-256M-Q8_0.gguf", "b-500M-Q8_0.gguf", "text-1B-Q8_0.gguf", ...vision];
  expect(visionFiles(names, undefined, language)).toEqual(taken);
});

test.for([
  ["hf:a/b:Q4_K_M", "hf:a/b", "Q4_K_M"],
  ["hf:a/b@v1:x.gguf", "hf:a/b@v1", "x.gguf"],
  ["hf:a/b", "hf:a/b", undefined],
  ["https://a.example:8080/m/x%20y.gguf?key=1", "https://a.example:8080/m/?key=1", "x y.gguf"],
  ["https://a.example/m/", "https://a.example/m/", undefined],
] as const)("%s is in %s, %s", ([source, folder, choice]) => {
  expect(splitChoice(source)).toEqual({ folder, choice });
});

describeShared(needing("golden/formats", "several quantisations on a hub"), () => {
  const at = (folder: string, file: string) => sharedBytes(`golden/formats/${folder}/model/${file}`);
  let hub: HubServer;
  let sizes: Record<string, number>;
  beforeAll(async () => {
    const files = {
      "tiny-Q8_0.gguf": await at("gguf-llama-q8_0", "tiny-Q8_0.gguf"),
      "tiny-Q4_1.gguf": await at("gguf-llama-q4_1", "tiny-Q4_1.gguf"),
      "tiny-F16.gguf": await at("gguf-llama-f16", "tiny-F16.gguf"),
    };
    sizes = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.length]));
    hub = await startHub(files);
  });
  afterAll(() => hub.close());

  describe.for([
    ["hf:someone/tiny", undefined, "tiny-Q4_1.gguf"],
    ["hf:someone/tiny:f16", undefined, "tiny-F16.gguf"],
    ["someone/tiny", "Q8_0", "tiny-Q8_0.gguf"],
    ["someone/tiny:tiny-Q8_0.gguf", undefined, "tiny-Q8_0.gguf"],
  ] as const)("%s, variant %s", ([source, variant, file]) => {
    test("is planned, with a list of all", async () => {
      const plan = await planModel(source, { hubUrl: hub.url, cache: "none", ...(variant && { variant }) });
      expect(plan.files.map(({ name }) => name)).toEqual([file]);
      expect(plan.totalBytes).toBe(sizes[file]);
      expect(plan.variants).toEqual(
        ["Q4_1", "Q8_0", "F16"].map((name) => {
          const own = `tiny-${name}.gguf`;
          return { name, file: own, bytes: sizes[own], fits: true };
        }),
      );
    });
  });

  describe("where no quantisation is named", () => {
    let own: HubServer;
    let [large, small] = [0, 0];
    beforeAll(async () => {
      const [wide, narrow] = [
        await at("gguf-llama-f16", "tiny-F16.gguf"),
        await at("gguf-llama-q4_1", "tiny-Q4_1.gguf"),
      ];
      [large, small] = [wide.length, narrow.length];
      // The names decide what is preferred. The last is never chosen unasked.
      own = await startHub({ "tiny-Q4_K_M.gguf": wide, "tiny-Q5_0.gguf": narrow, "tiny-Q2_K.gguf": narrow });
    });
    afterAll(() => own.close());

    const chosenFor = async (room: Room) => {
      const progress: ReadProgress[] = [];
      const onBytes = (event: ReadProgress) => progress.push(event);
      const options = { hubUrl: own.url, cache: "none" as const, onBytes };
      const { notes, bytes } = await withModel("hf:someone/tiny", options, async (folder) => {
        const model = await openModel(folder, { room: async () => room });
        const { byteLength, files } = await model.checkpoint({}, {});
        for (const file of files.values()) await file.read(0, file.byteLength);
        return { notes: model.notes, bytes: byteLength };
      });
      return { note: notes[0], bytes, last: progress.at(-1)! };
    };

    test("the best one that fits is read, and its bytes are those of the progress", async () => {
      const everything = Number.POSITIVE_INFINITY;
      expect((await chosenFor({ gpuBytes: everything, storageBytes: everything })).bytes).toBe(large);
      const { note, bytes, last } = await chosenFor({ gpuBytes: large - 1, storageBytes: everything });
      expect(bytes).toBe(small);
      expect(note).toMatch(`Q5_0 (tiny-Q5_0.gguf) was chosen: Q4_K_M has ${large} bytes, about ${large - 1} are taken`);
      expect(last).toMatchObject({ loadedBytes: small, totalBytes: small });
    });

    test("the smallest one is read where none fits", async () => {
      expect((await chosenFor({ gpuBytes: 1, storageBytes: 1 })).bytes).toBe(small);
    });

    test("a plan takes the limits of the adapter", async () => {
      const limits = { maxBufferSize: (large - 1) / 2, maxStorageBufferBindingSize: large };
      vi.stubGlobal("navigator", { gpu: { requestAdapter: async () => ({ limits }) } });
      onTestFinished(() => void vi.unstubAllGlobals());
      const plan = await planModel("hf:someone/tiny", { hubUrl: own.url, cache: "none" });
      expect(plan.files.map(({ name }) => name)).toEqual(["tiny-Q5_0.gguf"]);
      expect(plan.variants!.map(({ name, fits }) => [name, fits])).toEqual([
        ["Q4_K_M", false],
        ["Q5_0", true],
        ["Q2_K", true],
      ]);
    });
  });

  test("an unknown one is refused with those that there are", async () => {
    const plan = planModel("hf:someone/tiny:Q2_K", { hubUrl: hub.url, cache: "none" });
    await expect(plan).rejects.toThrow(/called or labelled "Q2_K"; there are Q4_1, Q8_0, F16/);
    const both = planModel("hf:someone/tiny:Q4_1", { hubUrl: hub.url, variant: "F16" });
    await expect(both).rejects.toThrow(/variant is "F16", but the source names "Q4_1"/);
  });
});
