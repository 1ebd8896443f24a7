/** Facts about a model that are not in its files. */
export interface ModelAbout {
  /** The model's use, or its limits, in one sentence. */
  note?: string;
  /** Pictures that the model keeps apart in one conversation. Left out where it was trained on several. */
  maxPictures?: number;
}
