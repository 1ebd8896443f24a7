/**
 * Finds the form of message contents that a chat template expects: one string, or a list of parts. A template does not
 * declare it, and it may differ between roles, so this file renders short conversations and checks the result. One of
 * them shows how the template ends an answer.
 */

import type { TemplateCall } from "../shared/past-calls.ts";
import { reject } from "./json.ts";
import type { ChatPart, ContentForm, Role } from "./messages.ts";

/** A message as the template gets it. */
export interface TemplateMessage {
  role: Role;
  content: string | readonly ChatPart[];
  tool_calls?: readonly TemplateCall[];
  tool_call_id?: string;
  name?: string;
  /** Tools as text, for templates that look for them in a message. */
  tools?: string;
}

export type ContentForms = Readonly<Record<Role, ReadonlySet<ContentForm>>>;

/** What short conversations show of a template. */
export interface ProbedTemplate {
  forms: ContentForms;
  /** Text from the end of an answer to the next question's; empty for a template that writes no answers. */
  afterAnswer: string;
}

/** Text that no template writes by itself; in lower case, because a template may change capitals. */
const PROBE = "qzx7wv";
/** A template that does not support parts prints them as Python or JSON writes data. */
const PRINTED_PART = new RegExp(`["']text["']\\s*:\\s*["']${PROBE}`);

/**
 * Returns the forms that the template supports, for each role; none for a role that it refuses. Also the end of an
 * answer.
 *
 * @param render runs the template; may throw
 * @param placeholder text that the template writes for a picture, for a model that reads pictures
 * @param where the template's file, for messages
 * @throws FoveaError `unsupported-model` for a template that cannot write one message of a user
 */
export function probeTemplate(
  render: (messages: readonly TemplateMessage[]) => string,
  placeholder: string | undefined,
  where: string,
): ProbedTemplate {
  const problems: string[] = [];
  let afterProbe = "";
  const works = (messages: readonly TemplateMessage[], pictures: number): boolean => {
    try {
      const written = render(messages);
      const text = written.toLowerCase();
      if (!text.includes(PROBE)) problems.push("it leaves the text out");
      else if (PRINTED_PART.test(text)) problems.push("it prints the parts as data");
      else if (placeholder !== undefined && text.split(placeholder.toLowerCase()).length - 1 !== pictures)
        problems.push("it leaves the image out");
      else {
        afterProbe = written.slice(text.lastIndexOf(PROBE) + PROBE.length);
        return true;
      }
    } catch (error) {
      problems.push((error as Error).message);
    }
    return false;
  };
  const tryForms = (conversation: (content: TemplateMessage["content"]) => TemplateMessage[], pictures: number) => {
    const image: ChatPart[] = pictures > 0 ? [{ type: "image" }] : [];
    const forms = new Set<ContentForm>();
    if (works(conversation(PROBE), 0)) forms.add("string");
    if (works(conversation([...image, { type: "text", text: PROBE }]), pictures)) forms.add("parts");
    return forms;
  };

  const pictures = placeholder === undefined ? 0 : 1;
  let opening: TemplateMessage[] = [];
  let user = tryForms((content) => [{ role: "user", content }], pictures);
  // Some templates refuse a conversation without a system message.
  for (const content of ["a", [{ type: "text", text: "a" }]] as const) {
    if (user.size > 0) break;
    opening = [{ role: "system", content }];
    user = tryForms((own) => [...opening, { role: "user", content: own }], pictures);
  }
  if (user.size === 0) reject(where, `the template cannot write one message: ${problems.join("; ")}`);
  const question: TemplateMessage = {
    role: "user",
    content: user.has("string") ? "a" : [{ type: "text", text: "a" }],
  };
  const system = tryForms((content) => [{ role: "system", content }, question], 0);
  // A template may join a system message's text to the first question's, but write a question alone as parts.
  const [systemForm] = system;
  if (systemForm) {
    const first: TemplateMessage = {
      role: "system",
      content: systemForm === "string" ? "a" : [{ type: "text", text: "a" }],
    };
    const opened = tryForms((content) => [first, { role: "user", content }], pictures);
    const both = new Set([...user].filter((form) => opened.has(form)));
    if (both.size > 0) user = both;
  }
  const assistant = tryForms((content) => [...opening, question, { role: "assistant", content }, question], 0);
  // Not rendered: results of tools follow calls, whose rules differ. Most templates write them as strings.
  const tool = new Set<ContentForm>(user.has("string") ? ["string"] : user);
  return { forms: { user, system, assistant, tool }, afterAnswer: assistant.size > 0 ? afterProbe : "" };
}
