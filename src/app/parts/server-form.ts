/** The choice of a model on a server: its address, its name, a key, and what leaves this computer. */
import { css, html, LitElement } from "lit";
import { base } from "./base.ts";

/** The form's fields. The key is a secret. */
export interface ServerChoice {
  address: string;
  model: string;
  apiKey: string;
  /** True if the browser may keep the key for the next visit. */
  keepsKey: boolean;
}

export class ServerForm extends LitElement {
  static override styles = [
    base,
    css`
      form {
        margin: 0;
      }
      /* Not a password field, because browsers offer to store passwords. */
      #key {
        -webkit-text-security: disc;
      }
    `,
  ];

  override render() {
    return html`<form class="card stack" aria-labelledby="title" @submit=${this.#submit}>
      <h3 id="title">On a server</h3>
      <p class="soft" id="leaves">
        Your questions and pictures leave this computer: they are sent to this server with every question. It may be any with
        OpenAI's interface, such as vLLM or a hosted one, and it must allow this page (CORS).
      </p>
      <label for="server">Address</label>
      <input id="server" type="url" required autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="https://host/v1" aria-describedby="leaves" />
      <label for="name">Model's name there</label>
      <input id="name" type="text" required autocomplete="off" autocapitalize="none" spellcheck="false" />
      <label for="key">Key, if it needs one</label>
      <input id="key" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="key-note" />
      <label><input id="keep" type="checkbox" /> Keep the key in this browser</label>
      <p class="soft" id="key-note">Without that, the key is forgotten when you close this page. It is sent to this server only.</p>
      <div class="row"><button type="submit">Use this server</button></div>
    </form>`;
  }

  #submit(event: Event): void {
    event.preventDefault();
    const field = (id: string) => this.renderRoot.querySelector<HTMLInputElement>(`#${id}`)!;
    const text = (id: string) => field(id).value.trim();
    const detail: ServerChoice = {
      address: text("server"),
      model: text("name"),
      apiKey: text("key"),
      keepsKey: field("keep").checked,
    };
    field("key").value = "";
    this.dispatchEvent(new CustomEvent("use-server", { detail }));
  }
}
