/** What this version knows of a model beside its files. */
export interface ModelAbout {
  /** What the model is for, or not for, in one sentence. */
  note?: string;
  /** Pictures that the model keeps apart in one conversation. Left out where it was trained on several. */
  maxPictures?: number;
}
