/** White space around tags; the texts are those of jinja2 with the settings of transformers. */
import { expect, test } from "vitest";
import { JinjaTemplate } from "../../src/text/jinja.ts";

test.each([
  ["a\n  {%+ if true %}\n b\n  {%+ endif +%}\nc", "a\n   b\n  \nc"],
  ["a\n{% if true +%}\n b\n{% endif %}\nc", "a\n\n b\nc"],
  ["  {%+ if 1 -%}  x {%- endif %}", "  x"],
  ["a\n {#+ x +#}\nb\n {# y #}\nc", "a\n \nb\nc"],
  ["  {%- if true -%} a {%- endif -%}\n b", "ab"],
  ["{{+ 1 }}\n x", "1\n x"],
  ["a\n  {- b -}\n c%}\nd#}\ne", "a\n  {- b -}\n c%}\nd#}\ne"],
  ["{{ '\n  {% x %}\n  {# y #}\n' }}", "\n  {% x %}\n  {# y #}\n"],
  ["{{ {'a': {'b': '}}\\'%}'}}.a.b }}\n{{ [1\n][0] }}", "}}'%}\n1"],
  // Tags that mark an answer, which transformers adds to jinja2.
  ["a {%- generation -%} b {%- endgeneration -%} c", "abc"],
  ["a {% generation %} b {% endgeneration %} c", "a  b  c"],
  ["a\n{% generation %}\nb\n{% endgeneration %}\nc", "a\nb\nc"],
  ["a\n  {%- generation %}\n b\n  {%- endgeneration %}\n c", "a b c"],
  ["a\n  {% generation -%}\n b\n  {% endgeneration -%}\n c", "a\nb\nc"],
  ["a\n  {%+ generation %}\n x\n  {%+ endgeneration +%}\ny", "a\n   x\n  \ny"],
  ["{% set z = 1 -%}\n{% generation %}\n x{% endgeneration %}\n", " x"],
  ["a\n{%- generation +%}\nb\n{% endgeneration %}\n  {%- generation %} c{% endgeneration %}", "a\nb\n c"],
])("%j is %j", (template, text) => {
  expect(new JinjaTemplate(template, "test").render({}, new Date())).toBe(text);
});

test.each(["{% if 1", "{{ 'a }}", "{# x", "{{ (1 }}"])("%j, which does not end, is refused", (template) => {
  expect(() => new JinjaTemplate(template, "test")).toThrow(/cannot be parsed/);
});
