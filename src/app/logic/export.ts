/** A conversation as a file: JSON with all measurements, or Markdown to read. Pictures by name only. */
import { durationText } from "../../element/wording.ts";
import { settingsText } from "./settings.ts";
import type { ModelState, Turn } from "./state.ts";

type From = Pick<ModelState, "name" | "info">;

export function exportJson(turns: readonly Turn[], { name, info }: From): string {
  const conversation = {
    format: "fovea-conversation-1",
    model: { name, ...info },
    turns: turns.map(({ question, pictures, answers }) => ({
      question,
      pictures: pictures.map(({ name, width, height, scene }) => ({ name, width, height, ...(scene && { scene }) })),
      answers: answers.map(({ label, settings, text, reason, stats, images, problem }) => ({
        ...{ label, settings, text, reason, stats },
        images: images.map(({ tokens, views }) => ({
          tokens,
          views: views.map(({ columns, kept, stages, ...place }) => ({
            ...place,
            columns: Array.from(columns),
            ...(kept && { kept: Array.from(kept) }),
            stages: stages.map(({ block, origins }) => ({
              block,
              origins: origins.map((cells) => Array.from(cells)),
            })),
          })),
        })),
        ...(problem && { problem }),
      })),
    })),
  };
  return `${JSON.stringify(conversation, null, 1)}\n`;
}

export function exportMarkdown(turns: readonly Turn[], { name, info }: From): string {
  const parts = turns.flatMap(({ question, pictures, answers }) => [
    `## ${question.replaceAll("\n", " ")}`,
    ...pictures.map((picture) => `*Picture: ${picture.name}, ${picture.width} × ${picture.height}*`),
    ...answers.flatMap(({ label, text, stats, settings, problem }) => [
      ...(label ? [`### ${label}`] : []),
      problem ? `*${problem.message}*` : text,
      ...(stats && info && stats.newTokens > 0
        ? [`*${settingsText(settings)}; ${stats.newTokens} tokens in ${durationText(stats.totalMs)}*`]
        : []),
    ]),
  ]);
  return `${[`# Conversation with ${name}`, ...parts].join("\n\n")}\n`;
}
