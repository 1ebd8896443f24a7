/** The server that answers in the place of a model in this browser. Types only. */

export interface AnsweringServer {
  /** Origin and path of its interface, without query and secrets. */
  address: string;
  /** The model's name there. */
  model: string;
}
