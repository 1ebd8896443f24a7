"""What the engine must agree with on the shipped weights: greedy answers to questions of the evaluation set, and logits by
Hugging Face's rules (check_export.py).

python reference.py MODEL SET OUT.json [--questions 100] [--logits 6]
"""

import argparse
import base64
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import embedding

from check_export import text_logits, vision_features
from decoder import Decoder
from evaluate import answer, read_safetensors
from export import from_hugging_face
from packing import prefix_ids, prompt_ids
from tokenizer import IMAGE, Tokenizer
from vision import Encoder

ROWS = 4  # the prompt's last rows, of which logits are kept


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--logits", type=int, default=6)
    args = parser.parse_args()
    torch.set_num_threads(1)
    t, config = read_safetensors(args.model / "model.safetensors"), json.loads((args.model / "config.json").read_text())
    preprocessor = json.loads((args.model / "preprocessor_config.json").read_text())
    mean, std = (torch.tensor(preprocessor[key]) for key in ("image_mean", "image_std"))
    tokenizer = Tokenizer.load(args.model / "tokenizer.json")
    encoder, decoder = Encoder(), Decoder(len(tokenizer.vocabulary))
    encoder_state, decoder_state = from_hugging_face(t)
    encoder.load_state_dict(encoder_state)
    decoder.load_state_dict(decoder_state)
    table, prefix = t["language_model.model.embed_tokens.weight"], prefix_ids(tokenizer)

    greedy, logits = [], []
    for item in json.loads((args.set / "eval.json").read_text())["items"]:
        prompts = [q["prompt"] for q in item["questions"]][: args.questions - len(greedy)]
        if not prompts:
            break
        pixels = np.asarray(Image.open(args.set / item["image"]).convert("RGB")).copy()
        said = answer(encoder, decoder, tokenizer, pixels.transpose(2, 0, 1).copy(), prompts, 64, 0.0)
        greedy += [{"image": item["image"], "prompt": p, "answer": a} for p, a in zip(prompts, said)]
        if len(logits) < args.logits:
            image = vision_features(t, config["vision_config"], ((torch.from_numpy(pixels) / 255 - mean) / std).permute(2, 0, 1).contiguous())
            prompt = prompt_ids(tokenizer, prompts[0], True)
            parts = [embedding(torch.tensor(prefix), table), image, embedding(torch.tensor(prompt), table)]
            values = text_logits(t, config["text_config"], torch.cat(parts))[-ROWS:]
            logits.append({"image": item["image"], "prompt": prompts[0], "ids": [*prefix, tokenizer.vocabulary[IMAGE], *prompt], "rows": ROWS,
                           "values": base64.b64encode(values.numpy().astype("<f4").tobytes()).decode()})
    args.out.write_text(json.dumps({"greedy": greedy, "logits": logits}, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(greedy)} answers, logits of {len(logits)} prompts")


if __name__ == "__main__":
    main()
