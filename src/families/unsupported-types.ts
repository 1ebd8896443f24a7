/**
 * Common unsupported model types, each with the part that the engine lacks: one sentence for users who paste such a
 * model. Types as in config.json, of transformers or of a repository's own code. Loaded after a refusal.
 */

/** A readable name, and the noun that completes "needs". */
type Missing = readonly [model: string, needs: string];

const EXPERTS = "mixtures of experts";
const STATE_SPACE = "state-space layers";
const AUDIO = "an audio encoder";
const TEXT_ENCODER = "an encoder of text that sees in both directions";
const CROSS_DECODER = "a text decoder with cross-attention to an encoder";
const LATENT_EXPERTS = "mixtures of experts and compressed keys and values (multi-head latent attention)";
const LEARNED_POSITIONS = "a decoder with learned positions";

const TYPES: Readonly<Record<string, Missing>> = {
  // Pictures.
  minicpmv: ["MiniCPM-V", "a resampler with learned queries between encoder and decoder"],
  minicpmo: ["MiniCPM-o", "a resampler with learned queries, and audio"],
  minicpmv4_6: ["MiniCPM-V 4.6", "a merger with attention in windows inside the encoder"],
  moondream1: ["Moondream", "crops that overlap and are stitched into one map"],
  moondream3: ["Moondream 3", "mixtures of experts and crops that overlap"],
  florence2: ["Florence-2", "an encoder that attends over channels, and a text decoder with cross-attention"],
  phi3_v: ["Phi-3-vision or Phi-3.5-vision", "tiles with learned separators between them"],
  phi4mm: ["Phi-4-multimodal", "adapters that change with the input, and audio"],
  phi4_multimodal: ["Phi-4-multimodal", "adapters that change with the input, and audio"],
  deepseek_vl: ["DeepSeek-VL", "an aligner and an image processor of its own"],
  deepseek_vl_hybrid: ["DeepSeek-VL", "two encoders for one picture"],
  deepseek_vl_v2: ["DeepSeek-VL2", LATENT_EXPERTS],
  multi_modality: ["Janus", "a decoder that draws pictures"],
  janus: ["Janus", "a decoder that draws pictures"],
  molmo: ["Molmo", "crops that overlap, and attention that pools their features"],
  molmo2: ["Molmo 2", "attention that pools features of crops and frames"],
  kimi_vl: ["Kimi-VL", LATENT_EXPERTS],
  kimi_k25: ["Kimi K2.5", LATENT_EXPERTS],
  chatglm: ["GLM-4V, GLM-4 or ChatGLM in their original layout", "GLM's decoder"],
  glm4v: ["GLM-4.1V", "GLM's decoder and a convolution after the encoder"],
  glm46v: ["GLM-4.6V", "GLM's decoder and a convolution after the encoder"],
  glm_ocr: ["GLM-OCR", "GLM's decoder and a convolution after the encoder"],
  glm4v_moe: ["GLM-4.5V", EXPERTS],
  gemma3n: ["Gemma 3n", "embeddings for each layer and a convolutional encoder"],
  gemma3n_text: ["Gemma 3n", "embeddings for each layer"],
  gemma4: ["Gemma 4", "embeddings for each layer and attention heads of two widths"],
  gemma4_text: ["Gemma 4", "embeddings for each layer and attention heads of two widths"],
  mllama: ["Llama 3.2 Vision", "decoder layers with cross-attention to picture features"],
  llama4: ["Llama 4", EXPERTS],
  lfm3_vl: ["LFM3-VL", "short convolutions in the encoder"],
  qwen4_exp: ["Qwen4", "sparse attention with an indexer"],
  fast_vlm: ["FastVLM", "a convolutional encoder"],
  idefics2: ["Idefics2", "a resampler with learned queries between encoder and decoder"],
  blip: ["BLIP", CROSS_DECODER],
  sphinx: ["SPHINX", "several encoders whose features are joined"],
  vipllava: ["ViP-LLaVA", "features of several encoder layers"],
  llava_next_video: ["LLaVA-NeXT-Video", "videos"],
  video_llava: ["Video-LLaVA", "videos"],
  internvl_chat: [
    "InternVL in its original layout",
    'tensors named as transformers names them: use the repository whose name ends in "-hf"',
  ],
  qwen3_vl_moe: ["Qwen3-VL with experts", EXPERTS],
  qwen2_5_omni: ["Qwen2.5-Omni", AUDIO],
  qwen3_omni_moe: ["Qwen3-Omni", `${AUDIO} and ${EXPERTS}`],
  ovis: ["Ovis", "a table of visual words after the encoder"],
  ovis2: ["Ovis2", "a table of visual words after the encoder"],
  "kosmos-2": ["Kosmos-2", LEARNED_POSITIONS],
  "vision-encoder-decoder": ["TrOCR or Donut", CROSS_DECODER],
  dinov2: ["DINOv2", "an encoder that answers with features alone"],
  dinov3_vit: ["DINOv3", "an encoder that answers with features alone"],
  // Text.
  lfm3: ["LFM3", "a gate for each head of attention"],
  gpt_oss: ["gpt-oss", "mixtures of experts and attention sinks"],
  mixtral: ["Mixtral", EXPERTS],
  qwen2_moe: ["Qwen with experts", EXPERTS],
  qwen3_moe: ["Qwen3 with experts", EXPERTS],
  olmoe: ["OLMoE", EXPERTS],
  granitemoe: ["Granite with experts", EXPERTS],
  granitemoehybrid: ["Granite 4", `${STATE_SPACE}, and ${EXPERTS} in most sizes`],
  phimoe: ["Phi-3.5-MoE", EXPERTS],
  lfm2_moe: ["LFM2 with experts", EXPERTS],
  ernie4_5_moe: ["ERNIE 4.5 with experts", EXPERTS],
  glm4_moe: ["GLM-4.5", EXPERTS],
  minimax_m2: ["MiniMax-M2", EXPERTS],
  deepseek_v2: ["DeepSeek-V2", LATENT_EXPERTS],
  deepseek_v3: ["DeepSeek-V3 or R1", LATENT_EXPERTS],
  kimi_k2: ["Kimi K2", LATENT_EXPERTS],
  mamba: ["Mamba", STATE_SPACE],
  mamba2: ["Mamba-2", STATE_SPACE],
  falcon_h1: ["Falcon-H1", STATE_SPACE],
  jamba: ["Jamba", `${STATE_SPACE} and ${EXPERTS}`],
  nemotron_h: ["Nemotron-H", STATE_SPACE],
  gpt2: ["GPT-2", LEARNED_POSITIONS],
  opt: ["OPT", LEARNED_POSITIONS],
  bloom: ["BLOOM", "attention with linear biases"],
  mpt: ["MPT", "attention with linear biases"],
  t5: ["T5", CROSS_DECODER],
  bart: ["BART", CROSS_DECODER],
  bert: ["BERT", TEXT_ENCODER],
  roberta: ["RoBERTa", TEXT_ENCODER],
  "xlm-roberta": ["XLM-RoBERTa", TEXT_ENCODER],
  distilbert: ["DistilBERT", TEXT_ENCODER],
  mpnet: ["MPNet", TEXT_ENCODER],
  modernbert: ["ModernBERT", TEXT_ENCODER],
  nomic_bert: ["Nomic Embed", TEXT_ENCODER],
  // Sound.
  whisper: ["Whisper", AUDIO],
  wav2vec2: ["Wav2Vec2", AUDIO],
  qwen2_audio: ["Qwen2-Audio", AUDIO],
  voxtral: ["Voxtral", AUDIO],
};

/** A sentence with the part that a model of this type needs and the engine lacks; undefined for an unlisted type. */
export function missingPart(type: unknown): string | undefined {
  if (typeof type !== "string" || !Object.hasOwn(TYPES, type)) return undefined;
  const [model, needs] = TYPES[type]!;
  return `${model} needs ${needs}, which this engine does not have`;
}

/** The listed types, for tests. */
export const UNSUPPORTED_TYPES: readonly string[] = Object.keys(TYPES);
