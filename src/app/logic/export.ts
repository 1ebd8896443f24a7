/** A conversation as a file: JSON with all measurements, or Markdown to read. Pictures by name only. */
import type { ChatTurn } from "../../element/fovea-chat.ts";
import { shownAnswer } from "../../element/turns.ts";
import { durationText, errorSentence } from "../../element/wording.ts";
import type { ModelState } from "./state.ts";

type From = Pick<ModelState, "name" | "info">;

export function exportJson(turns: readonly ChatTurn[], { name, info }: From): string {
  const conversation = {
    format: "fovea-conversation-2",
    model: { name, ...info },
    turns: turns.map(({ question, pictures, answers, shown }) => ({
      question,
      pictures: pictures.map(({ name }) => ({ name })),
      shown,
      answers: answers.map(({ text, state, settings, stats, seen, error }) => ({
        text,
        state,
        settings,
        stats,
        seen: seen.map(({ tokens, views }) => ({
          tokens,
          views: views.map(({ columns, kept, stages, ...place }) => ({
            ...place,
            columns: Array.from(columns),
            ...(kept && { kept: Array.from(kept) }),
            stages: stages.map(({ block, origins }) => ({ block, origins: origins.map((cells) => Array.from(cells)) })),
          })),
        })),
        ...(error !== undefined && { error: errorSentence(error) }),
      })),
    })),
  };
  return `${JSON.stringify(conversation, null, 1)}\n`;
}

export function exportMarkdown(turns: readonly ChatTurn[], { name }: From): string {
  const parts = turns.flatMap((turn) => {
    const { text, stats, error } = shownAnswer(turn);
    return [
      `## ${turn.question.replaceAll("\n", " ")}`,
      ...turn.pictures.map((picture) => `*Picture: ${picture.name}*`),
      error === undefined ? text : `*${errorSentence(error)}*`,
      ...(stats && stats.newTokens > 0 ? [`*${stats.newTokens} tokens in ${durationText(stats.totalMs)}*`] : []),
    ];
  });
  return `${[`# Conversation with ${name}`, ...parts].join("\n\n")}\n`;
}
