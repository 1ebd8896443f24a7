"""Prompts of golden cases and of committed pictures: ids, pixels, runs and positions."""

from PIL import Image
from safetensors.torch import load_file

from encoders import F64

PICTURES = "golden/families/pictures"


def best_resolution(pinpoints, height, width):
    def rank(size):
        scale = min(size[1] / width, size[0] / height)
        usable = min(int(width * scale) * int(height * scale), width * height)
        return usable, usable - size[0] * size[1]

    return max(pinpoints, key=rank)


def golden_prompt(folder, case, name):
    prompt = next(p for p in case["prompts"] if p["name"] == name)
    expected = load_file(folder / "expected.safetensors")
    packings, sizes = prompt.get("packing"), prompt.get("imageSizes")
    pictures = [
        {"views": views, "runs": runs, **({"resolution": packings[i]["resolution"], "size": sizes[i]} if packings and packings[i] else {})}
        for i, (views, runs) in enumerate(zip(prompt["views"], prompt["imageRows"]))
    ]
    values = {key.removeprefix(f"{name}."): t.to(F64) for key, t in expected.items() if key.startswith(f"{name}.")}
    return {"name": name, "ids": prompt["ids"], "pictures": pictures, "pixels": values["pixels"], "greedy": prompt["greedy"], "expected": values}


def made_prompt(folder, shared, config, made):
    """A prompt of committed pictures, for cases whose own prompts need photographs."""
    from transformers import AutoImageProcessor, AutoProcessor

    processor = AutoProcessor.from_pretrained(folder / "model")
    processor.image_processor = AutoImageProcessor.from_pretrained(folder / "model", backend="pil")
    for name, value in made.get("config", {}).items():
        if hasattr(processor, name):
            setattr(processor, name, value)
    images = [Image.open(shared / PICTURES / name).convert("RGB") for name in made["pictures"]]
    content = [*({"type": "image"} for _ in images), {"type": "text", "text": made["text"]}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)
    read = processor(text=text, images=images, add_special_tokens=False, return_tensors="pt")
    ids, hidden = read["input_ids"][0].tolist(), placeholder(config)
    starts = [i for i, token in enumerate(ids) if token == hidden and (i == 0 or ids[i - 1] != hidden)]
    runs = [[start, next((i for i in range(start, len(ids)) if ids[i] != hidden), len(ids)) - start] for start in starts]
    pictures, pixels = [], read["pixel_values"].to(F64)
    for i, image in enumerate(images):
        if config["model_type"] == "mistral3":
            side = config["vision_config"]["patch_size"]
            height, width = read["image_sizes"][i].tolist()
            views = [[height // side, width // side]]
            pictures.append({"views": views, "runs": [runs.pop(0) for _ in range(views[0][0] // 2)]})
        elif config["model_type"] == "qwen3_5":
            pictures.append({"views": [read["image_grid_thw"][i, 1:].tolist()], "runs": [runs.pop(0)]})
        else:
            side = config["vision_config"]["image_size"] // config["vision_config"]["patch_size"]
            size = [image.height, image.width]
            views = [[side, side]] * pixels.shape[1]
            pictures.append({"views": views, "runs": [runs.pop(0)], "size": size, "resolution": best_resolution(config["image_grid_pinpoints"], *size)})
    pixels = pixels.flatten(0, 1) if pixels.dim() == 5 else pixels
    return {"name": made["name"], "ids": ids, "pictures": pictures, "pixels": pixels}


def placeholder(config):
    return config.get("image_token_id", config.get("image_token_index"))


def prompt_with(prompt, rows_of_pictures):
    """-> ids, runs of each picture, after its runs of rows were replaced"""
    ids, runs, end = [], [], 0
    for picture, rows in zip(prompt["pictures"], rows_of_pictures):
        old = picture["runs"]
        between = [prompt["ids"][a + n : b] for (a, n), (b, _) in zip(old, old[1:])]
        ids += prompt["ids"][end : old[0][0]]
        own = []
        for i, run in enumerate(rows):
            ids += between[i - 1] if i else []
            own.append([len(ids), len(run)])
            ids += [prompt["ids"][old[0][0]]] * len(run)
        runs.append(own)
        end = old[-1][0] + old[-1][1]
    return ids + prompt["ids"][end:], runs


def axis_positions(prompt, owners_of_pictures):
    """Positions on three axes, [3][T], and the next one."""
    out, p, at = [], 0, 0
    for picture, owners in zip(prompt["pictures"], owners_of_pictures):
        start, count = picture["runs"][0]
        out += [[p + i] * 3 for i in range(start - at)]
        p += start - at
        rows, cols = (n // 2 for n in picture["views"][0])
        out += [[p, p + owner // cols, p + owner % cols] for owner in owners[0]]
        p, at = p + max(rows, cols), start + count
    out += [[p + i] * 3 for i in range(len(prompt["ids"]) - at)]
    return [list(axis) for axis in zip(*out)], p + len(prompt["ids"]) - at
