/** Compares custom-elements.json and docs/element.md with the element itself: all three have the same names. */
import { describe, expect, test } from "vitest";
import { FoveaChat } from "../../src/element/fovea-chat.ts";
import { filesBelow, readSource } from "../support/sources.ts";

const manifest = JSON.parse(readSource("custom-elements.json"));
const [{ declarations }, definition] = manifest.modules;
const [declaration] = declarations;
const source = filesBelow("src/element").map(readSource).join("\n");

/** The texts that a pattern's first group finds in the element's sources, each once. */
const found = (pattern: RegExp) => [...new Set([...source.matchAll(pattern)].map((match) => match[1]!))].sort();
const namesOf = (list: { name: string }[]) => list.map(({ name }) => name).sort();

describe("custom-elements.json", () => {
  test("is named in package.json, and names files that are exported", () => {
    const { customElements, exports, files } = JSON.parse(readSource("package.json"));
    expect(customElements).toBe("custom-elements.json");
    expect(files).toContain("custom-elements.json");
    expect(manifest.modules.map(({ path }: { path: string }) => `./${path}`)).toEqual([
      exports["./element"].default,
      exports["./element/define"].default,
    ]);
    expect(definition.exports[0].name).toBe(declaration.tagName);
  });

  test("has the attributes and their properties", () => {
    expect(namesOf(declaration.attributes)).toEqual([...FoveaChat.observedAttributes].sort());
    const fields = declaration.members.filter(
      ({ kind, ...field }: { kind: string; static?: boolean }) => kind === "field" && !field.static,
    );
    expect(namesOf(fields)).toEqual([...FoveaChat.elementProperties.keys()].map(String).sort());
  });

  test("has the methods", () => {
    const inherited = [
      "constructor",
      "connectedCallback",
      "disconnectedCallback",
      "requestUpdate",
      "willUpdate",
      "update",
      "updated",
      "render",
    ];
    const own = Object.entries(Object.getOwnPropertyDescriptors(FoveaChat.prototype))
      .filter(([name, { value }]) => typeof value === "function" && !inherited.includes(name))
      .map(([name]) => name);
    const methods = declaration.members.filter(({ kind }: { kind: string }) => kind === "method");
    expect(namesOf(methods)).toEqual(own.sort());
  });

  test("has the events, slots, parts and custom properties", () => {
    expect(namesOf(declaration.events)).toEqual(found(/^ {2}"(fovea-\w+)": CustomEvent/gm));
    expect(namesOf(declaration.slots)).toEqual(found(/<slot name="(\w+)"/g));
    expect(namesOf(declaration.cssProperties)).toEqual(found(/var\((--fovea-[\w-]+)/g));
    const parts = found(/part(?:="|", ")([\w -]+)"/g).flatMap((names) => names.split(" "));
    expect(namesOf(declaration.cssParts)).toEqual([...new Set(parts)].sort());
  });
});

test("docs/element.md has every name", () => {
  const page = readSource("docs/element.md");
  const { attributes, events, slots, cssParts, cssProperties } = declaration;
  const names = [attributes, events, slots, cssParts, cssProperties].flatMap(namesOf);
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  for (const method of ["ask", "stop", "clear"]) expect(page).toContain(`chat.${method}(`);
});
