/** The report's tables, each as Markdown from the results; report.ts selects and orders them. */
import { groupBy } from "./group.ts";
import { TASK_NAMES } from "./instruction-checks.ts";
import { percent, points, table } from "./markdown.ts";
import { PUBLISHED } from "./published.ts";
import type { Results, Scope } from "./results.ts";
import {
  accuracy,
  blindAccuracy,
  gain,
  looseSuccess,
  meanTokens,
  onTask,
  onTopic,
  rightSuccess,
  share,
  success,
  type Verdict,
} from "./score.ts";
import { PLAIN } from "./settings.ts";

/** A setting, and the row's name if it is not the setting's title. */
export type Row = [id: string, title?: string];

export interface ComparisonOptions {
  /** The reference setting, compared question by question. */
  against: string;
  scope: Scope;
}

/**
 * One row for each setting: tokens, accuracy, success, and the gains over the reference. Rows without answers are left
 * out; "" if there is nothing to compare. The paper's figures are next to ours if it has any.
 */
export function comparison(results: Results, rows: Row[], { against, scope }: ComparisonOptions): string {
  const asked = rows.filter(([id]) => results.of(id, scope).length > 0);
  if (asked.every(([id]) => id === against)) return "";
  const reference = results.of(against, scope);
  const isPublished = asked.some(([id]) => id in PUBLISHED);
  const head = [
    "setting",
    "image tokens",
    "questions right",
    "gain",
    "instructions followed",
    "gain",
    "loosely",
    "and right",
  ];
  const cells = asked.map(([id, title]) => {
    const verdicts = results.of(id, scope);
    const isReference = id === against;
    const { gqa, instructions } = PUBLISHED[id] ?? {};
    return [
      title ?? titleOf(results, id),
      meanTokens(verdicts).toFixed(Number.isInteger(meanTokens(verdicts)) ? 0 : 1),
      percent(share(verdicts, accuracy)),
      isReference ? "" : points(gain(verdicts, reference, accuracy)),
      percent(share(verdicts, success)),
      isReference ? "" : points(gain(verdicts, reference, success)),
      percent(share(verdicts, looseSuccess)),
      percent(share(verdicts, rightSuccess)),
      ...(isPublished ? [gqa?.toFixed(1) ?? "", instructions?.toFixed(1) ?? ""] : []),
    ];
  });
  return table([...head, ...(isPublished ? ["paper: GQA", "paper: instructions"] : [])], cells);
}

function titleOf(results: Results, id: string): string {
  return results.settings.find((setting) => setting.id === id)?.title ?? id;
}

/** Accuracy by topic and by number of things, a column for each setting, and one for answers without the picture. */
export function topicTable(results: Results, ids: string[]): string {
  const asked = ids.filter((id) => results.of(id).length > 0);
  const plain = (verdicts: Verdict[]) => verdicts.filter(({ followed }) => !followed);
  const all = asked.flatMap((id) => plain(results.of(id)));
  const topics = [...new Set(all.map(({ item }) => item.question.topic))];
  const counts = [...new Set(all.map(({ item }) => item.picture.things))].sort((a, b) => a - b);
  const row = (name: string, choose: (verdicts: Verdict[]) => Verdict[]) => [
    name,
    ...asked.map((id) => percent(share(choose(results.of(id)), accuracy))),
    asked.length > 0 ? (100 * blindAccuracy(choose(results.of(asked[0]!)))).toFixed(1) : "",
  ];
  return table(
    ["questions right", ...asked.map((id) => titleOf(results, id)), "most frequent answer"],
    [
      ...topics.map((topic) => row(topic.replace("_", " "), (verdicts) => onTopic(verdicts, topic))),
      ...counts.map((count) =>
        row(count === 1 ? "one thing" : `${count} things`, (verdicts) =>
          plain(verdicts).filter(({ item }) => item.picture.things === count),
        ),
      ),
      row("all", plain),
    ],
  );
}

/** The paper's Table 1, transposed: success by task, a column for each setting. */
export function taskTable(results: Results, ids: string[]): string {
  const asked = ids.filter((id) => results.of(id).length > 0);
  const tasks = Object.keys(TASK_NAMES).map((number) => Number(number) as keyof typeof TASK_NAMES);
  return table(
    ["", ...asked.map((id) => titleOf(results, id))],
    [
      ["questions right", ...asked.map((id) => percent(share(results.of(id), accuracy)))],
      ...tasks.map((task) => [
        `T${task} ${TASK_NAMES[task]}`,
        ...asked.map((id) => percent(share(onTask(results.of(id), task), success))),
      ]),
      ["mean of the instructions", ...asked.map((id) => percent(share(results.of(id), success)))],
      ["the same, loosely", ...asked.map((id) => percent(share(results.of(id), looseSuccess)))],
      ["followed and right", ...asked.map((id) => percent(share(results.of(id), rightSuccess)))],
      [
        "gain in instructions",
        ...asked.map((id) => (id === PLAIN ? "" : points(gain(results.of(id), results.of(PLAIN), success)))),
      ],
    ],
  );
}

/** Every question on the pictures made by hand, with its answers. */
export function handTable({ byHand }: Results, folder: string): string {
  if (byHand.length === 0) return "";
  const rows = groupBy(byHand, ({ item }) => `${item.picture.file} ${item.question.prompt}`);
  const titles = [...new Set(byHand.map(({ item }) => item.setting.title))];
  return table(
    ["picture", "question", "expected", ...titles],
    [...rows.values()].map((verdicts) => {
      const { picture, question } = verdicts[0]!.item;
      const said = titles.map((title) => {
        const verdict = verdicts.find(({ item }) => item.setting.title === title);
        return verdict ? `${verdict.right ? "✓" : "✗"} ${verdict.record.answer.replace(/[`<>]/g, "")}` : "";
      });
      const expected = question.need.map(([shortest]) => shortest).join(", ");
      return [`<img src="${folder}/${picture.file}" width="120" alt="">`, question.prompt, expected, ...said];
    }),
    3 + titles.length,
  );
}
