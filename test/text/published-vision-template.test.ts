/** The chat template that Qwen2-VL and Qwen2.5-VL publish, without tools: conversations as transformers renders them. */
import { expect } from "vitest";
import { ChatTemplate } from "../../src/text/chat-template.ts";
import type { ChatMessage } from "../../src/text/messages.ts";
import { renderPrompt } from "../../src/text/prompt.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { needing, sharedBytes, testShared } from "../support/shared.ts";

const TEMPLATE =
  "{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}{% for message in messages %}" +
  "{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}" +
  "<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n{% else %}" +
  "{% for content in message['content'] %}{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}" +
  "{% set image_count.value = image_count.value + 1 %}{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}" +
  "<|vision_start|><|image_pad|><|vision_end|>{% elif content['type'] == 'video' or 'video' in content %}" +
  "{% set video_count.value = video_count.value + 1 %}{% if add_vision_id %}Video {{ video_count.value }}: {% endif %}" +
  "<|vision_start|><|video_pad|><|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n" +
  "{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

testShared(needing("golden/families", "the published template of Qwen2-VL"), async () => {
  const folder = "golden/families/qwen2_vl-published-bf16/model";
  const read = async (name: string) => new TextDecoder().decode(await sharedBytes(`${folder}/${name}`));
  const config = JSON.parse(await read("config.json")) as { image_token_id: number };
  const files = {
    "tokenizer.json": await read("tokenizer.json"),
    "tokenizer_config.json": await read("tokenizer_config.json"),
    "config.json": config,
    "chat_template.json": JSON.stringify({ chat_template: TEMPLATE }),
  };
  const tokenizer = Tokenizer.parse(files, { imageTokenId: config.image_token_id });
  const template = ChatTemplate.parse(files, tokenizer);
  const rendered = (...messages: ChatMessage[]) =>
    renderPrompt(tokenizer, template, messages, { addGenerationPrompt: true });
  const pictured: ChatMessage[] = [
    { role: "user", content: [{ type: "image" }, { type: "text", text: "What is it?" }] },
    { role: "assistant", content: "A cat." },
    { role: "user", content: [{ type: "text", text: "And " }, { type: "image" }, { type: "text", text: "?" }] },
  ] as ChatMessage[];
  const seen = "<|vision_start|><|image_pad|><|vision_end|>";
  const turns =
    `<|im_start|>user\n${seen}What is it?<|im_end|>\n<|im_start|>assistant\nA cat.<|im_end|>\n` +
    `<|im_start|>user\nAnd ${seen}?<|im_end|>\n<|im_start|>assistant\n`;
  const { text, pictureCount } = rendered(...pictured);
  expect(text).toBe(`<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n${turns}`);
  expect(pictureCount).toBe(2);
  expect(rendered({ role: "system", content: "Be short." }, ...pictured).text).toBe(
    `<|im_start|>system\nBe short.<|im_end|>\n${turns}`,
  );
});
