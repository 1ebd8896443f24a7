/** ViT classifiers: their classes, and values that must be refused by name. */
import { describe, expect, it } from "vitest";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having } from "../support/descriptions.ts";
import withoutHead from "./vit/vit-base-patch16-224-in21k/config.json" with { type: "json" };

const specOf = (config: object) => describeModel({ "config.json": config });
const classesOf = (config: object) => specOf(config).classes;
const classifier = having(withoutHead, { architectures: ["ViTForImageClassification"] });

it("has no classes without a head", () => {
  const spec = specOf(withoutHead);
  expect(spec.classes).toBeUndefined();
  expect(spec.decoder).toBeUndefined();
  expect(spec.tensors.some(({ name }) => name.startsWith("classifier"))).toBe(false);
});

it("names classes", () => {
  expect(classesOf(classifier)).toEqual(["class 0", "class 1"]);
  expect(classesOf({ ...classifier, num_labels: 3 })).toHaveLength(3);
  expect(classesOf({ ...classifier, id2label: { 0: "cat", 2: "dog", 7: "lost" } })).toEqual(["cat", "class 1", "dog"]);
  expect(configRefusal({ ...classifier, id2label: JSON.parse('{"__proto__": "x"}') })).toContain("id2label.__proto__");
  expect(classesOf({ ...classifier, architectures: undefined, id2label: { 0: "one" } })).toEqual(["one"]);
});

it("the classifier is a head: a row for each class, and a bias", () => {
  const tensors = specOf({ ...classifier, num_labels: 7 }).tensors.slice(-2);
  expect(tensors.map(({ name, use, shape }) => [name, use, shape])).toEqual([
    ["classifier.weight", "head", [7, 768]],
    ["classifier.bias", "vector", [7]],
  ]);
});

describe("refused, with the field and what is supported", () => {
  const deep = JSON.parse("[".repeat(5000) + "]".repeat(5000)) as unknown;
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      "an unknown architecture",
      { architectures: ["ViTForMaskedImageModeling"] },
      /architectures is a list of 1; .*ViTModel/,
    ],
    ["architectures of another kind", { architectures: [5] }, /architectures is a list of 1; .*list of strings/],
    ["labels as a list", { id2label: ["cat"] }, /id2label is a list of 1/],
    ["a label that is no string", { id2label: { 0: { deep } } }, /id2label\.0 is an object/],
    ["a label without a number", { id2label: { cat: "0" } }, /id2label\.cat is "0"; supported: a class number/],
    ["too many classes", { num_labels: 1e9 }, /num_labels is 1000000000/],
  ])("%s", (_, changes, message) => {
    expect(configRefusal(having(classifier, changes))).toMatch(message);
  });
});
