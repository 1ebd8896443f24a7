/** Answers as elements: what Markdown means, and what a hostile answer cannot do. In a browser, for its DOM. */
import { Lexer, marked } from "marked";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { awaitsMarkdown, loadMarkdown, renderMarkdown, updateMarkdown } from "../../src/element/markdown.ts";

let host: HTMLElement;
beforeEach(() => {
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => host.remove());

function show(text: string): HTMLElement {
  host.replaceChildren(renderMarkdown(text));
  return host;
}

/** The HTML without what all elements carry. */
function htmlOf(text: string): string {
  return show(text).innerHTML.replace(/ (dir|tabindex)="[^"]*"/g, "");
}

/** Runs first: later tests have the parser. */
describe("before the parser has come", () => {
  const PROSE = [
    "I see a dog, a butterfly and a pizza.",
    "Yes",
    "two",
    'About 30% of it (the left one) is "red"; isn\'t it?',
    "A well-known place: Paris!",
    "הכלב יושב.",
    "C'est déjà l'été – voilà.",
  ];
  const MORE = [
    "**bold**",
    "- a",
    "1. one",
    "a\nb",
    "see www.example.org",
    "a  ",
    "&amp;",
    "a_b_c",
    "<br>",
    "  a",
    "x ~~y~~",
  ];
  let plain: string[];

  test("prose needs none, and anything else is plain text", () => {
    plain = PROSE.map(htmlOf);
    for (const text of PROSE) expect([text, awaitsMarkdown(text)]).toEqual([text, false]);
    for (const text of MORE) expect([text, awaitsMarkdown(text)]).toEqual([text, true]);
    expect(htmlOf("**bold**")).toBe("<p>**bold**</p>");
    expect(htmlOf("")).toBe("");
  });

  test("it replaces what was shown, and prose means the same to it", async () => {
    updateMarkdown(host, "**bold**");
    expect(await loadMarkdown()).toBe(true);
    updateMarkdown(host, "**bold**");
    expect(host.querySelector("strong")!.textContent).toBe("bold");
    expect(PROSE.map(htmlOf)).toEqual(plain);
    for (const text of MORE) expect(awaitsMarkdown(text)).toBe(false);
  });
});

describe("Markdown", () => {
  beforeAll(() => loadMarkdown());

  test.for([
    ["two\n\nparagraphs", "<p>two</p><p>paragraphs</p>"],
    ["a line\nand another", "<p>a line<br>and another</p>"],
    [
      "**bold**, *slanted*, ~~gone~~ and `code`",
      "<p><strong>bold</strong>, <em>slanted</em>, <del>gone</del> and <code>code</code></p>",
    ],
    ["# Title\n###### Small", "<h3>Title</h3><h6>Small</h6>"],
    ["- a\n- b\n  - c", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"],
    ["3. three\n4. four", '<ol start="3"><li>three</li><li>four</li></ol>'],
    ["1. one", "<ol><li>one</li></ol>"],
    ["- [x] done\n- [ ] open", "<ul><li>☑ done</li><li>☐ open</li></ul>"],
    ["> said", "<blockquote><p>said</p></blockquote>"],
    ["```js\nif (a < b) {}\n```", "<pre><code>if (a &lt; b) {}</code></pre>"],
    ["a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"],
    [
      "5 &lt; 6 &amp;&amp; &#55; &#x38; &nope; &#xd800; &#0;",
      "<p>5 &lt; 6 &amp;&amp; 7 8 &amp;nope; \ufffd \ufffd</p>",
    ],
    ["`&lt;`", "<p><code>&amp;lt;</code></p>"],
    ["\\*not slanted\\*", "<p>*not slanted*</p>"],
    ["", ""],
    ["   \n\n", ""],
    ["[a]: https://example.org", ""],
  ])("%j", ([text, expected]) => expect(htmlOf(text!)).toBe(expected));

  test("tables scroll by themselves, within reach of a keyboard", () => {
    expect(htmlOf("| a | b |\n|---|--:|\n| 1<br>2 | **3** |")).toBe(
      '<div class="table"><table><thead><tr><th>a</th><th style="text-align: right;">b</th></tr></thead>' +
        '<tbody><tr><td>1<br>2</td><td style="text-align: right;"><strong>3</strong></td></tr></tbody></table></div>',
    );
    expect(host.querySelector<HTMLElement>(".table")!.tabIndex).toBe(0);
    expect(show("```\nx\n```").querySelector("pre")!.tabIndex).toBe(0);
  });

  test("every block has the direction of its own text", () => {
    show("שלום\n\nhello\n\n- مرحبا");
    expect([...host.querySelectorAll("p, li")].map((part) => getComputedStyle(part).direction)).toEqual([
      "rtl",
      "ltr",
      "rtl",
    ]);
  });

  test("is not changed by what the page has told marked", () => {
    marked.use({
      extensions: [{ name: "strong", renderer: () => "mine" }],
      tokenizer: {
        codespan: () => {
          throw new Error("mine");
        },
      },
    });
    try {
      expect(htmlOf("**a** `b`")).toBe("<p><strong>a</strong> <code>b</code></p>");
    } finally {
      marked.setOptions(marked.getDefaults());
    }
  });
});

describe("links", () => {
  const linkOf = (text: string) => show(text).querySelector("a");

  test("open elsewhere and tell nothing", () => {
    const link = linkOf("[the page](https://example.org/a?b#c 'a title')")!;
    expect(link.href).toBe("https://example.org/a?b#c");
    expect(link.rel.split(" ").sort()).toEqual(["nofollow", "noopener", "noreferrer"]);
    expect([link.target, link.referrerPolicy, link.title]).toEqual(["_blank", "no-referrer", link.href]);
  });

  test.for([
    ["[the page](https://example.org/a)", "the page (example.org)"],
    ["[https://bank.example](https://evil.example)", "https://bank.example (evil.example)"],
    ["[bank.example](https://bank.example)", "bank.example"],
    ["https://example.org/a", "https://example.org/a"],
    ["<https://example.org>", "https://example.org"],
    ["www.example.org", "www.example.org"],
    ["me@example.org", "me@example.org"],
    ["[](https://example.org/a)", "example.org"],
    ["[a][b]\n\n[b]: https://example.org", "a (example.org)"],
    ["![a cat](https://example.org/cat.png)", "a cat (example.org)"],
    ["[![a cat](https://example.org/cat.png)](https://example.com)", "a cat (example.com)"],
  ])("%j says where it leads", ([text, label]) => {
    show(text!);
    expect(host.querySelectorAll("a")).toHaveLength(1);
    expect(host.querySelector("a")!.textContent).toBe(label);
  });

  test("a letter is to one address, and is not written ahead", () => {
    expect(linkOf("[write](mailto:a@example.org?bcc=b@example.org&body=x)")!.href).toBe("mailto:a@example.org");
  });

  test.for([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "java&#x0A;script:alert(1)",
    "&#1;javascript:alert(1)",
    "<java\tscript:alert(1)>",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD4=",
    "blob:https://example.org/1",
    "file:///etc/passwd",
    "filesystem:https://example.org/a",
    "view-source:https://example.org",
    "intent://example.org#Intent;end",
    "//example.org",
    "/logout",
    "logout",
    "#top",
    "?a",
    "https://user:word@example.org",
    "https://bank.example@evil.example",
    "https://[",
    "about:blank",
  ])("%s is no link", (address) => {
    for (const text of [
      `[label](${address})`,
      `![label](${address})`,
      `[label][a]\n\n[a]: ${address}`,
      `<${address}>`,
    ]) {
      show(text);
      for (const link of host.querySelectorAll("a")) expect(link.href).toMatch(/^mailto:\S+@evil\.example$/);
      expect(host.querySelector("[src], [srcset], [style], [onerror], [onclick]")).toBeNull();
    }
  });
});

const HOSTILE = [
  "<script>globalThis.broken = 1</script>",
  "<img src=x onerror='globalThis.broken = 1'>",
  "<img src='https://elsewhere.invalid/html.png'>",
  "![a](https://elsewhere.invalid/picture.png)",
  "![a](data:image/svg+xml,<svg onload='globalThis.broken=1'/>)",
  "![a](https://elsewhere.invalid/x.png 'a\" onerror=\"globalThis.broken=1')",
  "<svg onload='globalThis.broken = 1'><style>@import 'https://elsewhere.invalid/a.css'</style></svg>",
  "<style>body { background: url(https://elsewhere.invalid/style.png) }</style>",
  "<link rel=stylesheet href='https://elsewhere.invalid/a.css'>",
  "<link rel=preload as=image href='https://elsewhere.invalid/a.png'>",
  "<iframe src='https://elsewhere.invalid/frame'></iframe>",
  "<iframe srcdoc='<script>parent.broken = 1</script>'></iframe>",
  "<object data='https://elsewhere.invalid/object'></object><embed src='https://elsewhere.invalid/embed'>",
  "<video poster='https://elsewhere.invalid/poster'><source src='https://elsewhere.invalid/v'></video>",
  "<base href='https://elsewhere.invalid/'>",
  "<meta http-equiv=refresh content='0;url=https://elsewhere.invalid/'>",
  "<form action='https://elsewhere.invalid/'><button>x</button></form>",
  "<a href='javascript:globalThis.broken=1' id=click>x</a>",
  "<div id=location name=cookie style='position:fixed;inset:0'>x</div>",
  "<math><mtext><table><mglyph><style><img src=x onerror='globalThis.broken=1'>",
  "<details open ontoggle='globalThis.broken=1'>",
  "<p>a</p>\n\n<textarea></p><img src=x onerror='globalThis.broken=1'>",
  "```html\"><img src=x onerror='globalThis.broken=1'>\n</code></pre><script>globalThis.broken=1</script>\n```",
  "`</code><img src=x onerror='globalThis.broken=1'>`",
  "# <img src=x onerror='globalThis.broken=1'>",
  "| <img src=x onerror='globalThis.broken=1'> |\n|---|\n| <script>globalThis.broken=1</script> |",
  "&lt;img src=x onerror='globalThis.broken=1'&gt;",
  "[<img src=x onerror='globalThis.broken=1'>](https://example.org)",
  "[a](https://example.org \"><img src=x onerror='globalThis.broken=1'>\")",
  "<!-- <img src='https://elsewhere.invalid/comment'> --> <![CDATA[<script>globalThis.broken=1</script>]]>",
  "<br onclick='globalThis.broken=1'><br/>",
];

describe("a hostile answer", () => {
  /** All that an answer may be made of. */
  const TAGS =
    "P,BR,STRONG,EM,DEL,CODE,PRE,A,SMALL,UL,OL,LI,BLOCKQUOTE,HR,H3,H4,H5,H6,DIV,TABLE,THEAD,TBODY,TR,TH,TD".split(",");
  const ATTRIBUTES = ["dir", "tabindex", "href", "target", "rel", "referrerpolicy", "title", "class", "start", "style"];

  test("is made of nothing but plain elements, and shows its tags as text", () => {
    for (const text of HOSTILE) {
      show(text);
      for (const part of host.querySelectorAll("*")) {
        expect(TAGS).toContain(part.tagName);
        for (const { name, value } of part.attributes) {
          expect(ATTRIBUTES).toContain(name);
          if (name === "style") expect(value).toMatch(/^text-align: \w+;$/);
          if (name === "class") expect(value).toBe("table");
        }
      }
    }
    expect(show(HOSTILE[0]!).textContent).toBe(HOSTILE[0]);
  });

  test("runs nothing, and asks for nothing", async () => {
    performance.clearResourceTimings();
    for (const text of HOSTILE) {
      host.append(renderMarkdown(text));
      // The same as it comes, piece by piece: what is whole in the end was half a tag before.
      const grown = document.createElement("div");
      host.append(grown);
      for (let end = 1; end <= text.length; end += 7) updateMarkdown(grown, text.slice(0, end));
      updateMarkdown(grown, text);
    }
    for (const link of host.querySelectorAll("a")) link.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((globalThis as { broken?: number }).broken).toBeUndefined();
    const asked = performance.getEntriesByType("resource").map(({ name }) => name);
    expect(asked.filter((name) => name.includes("elsewhere.invalid"))).toEqual([]);
    expect(getComputedStyle(document.body).backgroundImage).toBe("none");
  });

  test.for([
    ["quotes in quotes", ">".repeat(15_000)],
    ["lists in lists", "- ".repeat(1000)],
    ["numbers in numbers", "1. ".repeat(1000)],
    ["both", "- > ".repeat(900)],
    ["brackets", "[".repeat(3000)],
    ["emphasis", "*a **b ".repeat(500)],
    ["a long line", "a".repeat(100_000)],
    ["addresses", "a.b.".repeat(900)],
  ])("cannot keep the page busy: %s", ([, text]) => {
    const start = performance.now();
    show(text!);
    // Generous: a machine under load. Without the bounds some of these take tens of seconds, or the stack.
    expect(performance.now() - start).toBeLessThan(3000);
    const letters = (shown: string) => shown.replace(/[^a-z]/g, "");
    expect(letters(host.textContent!)).toBe(letters(text!));
  });

  test("is shown as deep as it goes", () => {
    const text = `${Array.from({ length: 22 }, (_, i) => `${"  ".repeat(i)}- item ${i}`).join("\n")}`;
    show(text);
    expect(host.textContent).toContain("item 21");
    expect(host.querySelectorAll("ul").length).toBeLessThan(20);
  });
});

describe("a growing answer", () => {
  test("keeps the blocks that are as they were", () => {
    updateMarkdown(host, "# One\n\ntwo **thr");
    const [title, text] = host.children;
    updateMarkdown(host, "# One\n\ntwo **three**\n\n- four");
    expect(host.children[0]).toBe(title);
    expect(host.children[1]).not.toBe(text);
    expect([...host.children].map(({ textContent }) => textContent)).toEqual(["One", "two three", "four"]);
    updateMarkdown(host, "");
    expect(host.childNodes).toHaveLength(0);
  });

  test("is read once when it is finished, and not again once it was refused", () => {
    const lex = vi.spyOn(Lexer, "lex");
    for (let paint = 0; paint < 5; paint++) updateMarkdown(host, "one *two*\n\nthree");
    expect(lex).toHaveBeenCalledTimes(1);
    const long = "*a_".repeat(3000).replace(/.{3000}/g, "$&\n");
    for (let length = 6000; length < long.length; length += 500) updateMarkdown(host, long.slice(0, length));
    expect(lex).toHaveBeenCalledTimes(2);
    expect(host.textContent!.length).toBeGreaterThan(8000);
    updateMarkdown(host, "another *text*");
    expect(host.querySelector("em")!.textContent).toBe("text");
    lex.mockRestore();
  });

  test("finds the address of a reference when it comes", () => {
    updateMarkdown(host, "[a][b] and more\n\n");
    expect(host.querySelector("a")).toBeNull();
    updateMarkdown(host, "[a][b] and more\n\n[b]: https://example.org\n");
    expect(host.querySelector("a")!.href).toBe("https://example.org/");
  });

  test("replaces what was there before", () => {
    host.textContent = "old";
    updateMarkdown(host, "new");
    expect(host.textContent).toBe("new");
  });
});
