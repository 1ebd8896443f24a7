"""One prompt under one setting: tokens, projected rows, logits and greedy answer."""

import math

import torch

from inhibition import RUN
from models import Qwen35
from prompts import axis_positions, placeholder, prompt_with
from vmtc import diverse, stage_plan

GREEDY_STEPS, LEAST_MARGIN = 3, 1e-4


def shares(setting, model, picture, cells):
    """Final cells of each view."""
    counts = [model.cells(picture, view, n) if hasattr(model, "cells") and "resolution" in picture else n for view, n in enumerate(cells)]
    return [max(1, math.floor(setting["ratio"] * n + 1e-9)) for n in counts]


def run(model, prompt, setting):
    result = {"views": []}
    rows_of_pictures, owners_of_pictures, index = [], [], 0
    features = []
    for picture in prompt["pictures"]:
        r = model.encoder.cell
        cells = [rows * cols // r**2 for rows, cols in picture["views"]]
        model.encoder_cells = cells[0]
        finals = shares(setting, model, picture, cells) if "method" in setting else cells
        owners, projected = [], []
        for view, ((rows, cols), n, final) in enumerate(zip(picture["views"], cells, finals)):
            stages = stage_plan(n, final, setting.get("stages", 3), model.encoder.layers) if setting.get("method") == "vmtc" else []
            assert all(block < model.encoder.run for block, _, _ in stages)
            pixels = model.pixels_of_view(prompt["pixels"], [v for p in prompt["pictures"] for v in p["views"]], index)
            z, own, records = model.encoder.encode(pixels, rows, cols, stages)
            features.append((model.encoder.head, z, (rows, cols)))
            x = model.connect(z)
            if setting.get("method") == "diverse" and final < n:
                own = diverse(x, final)
                x = x[own]
            owners.append(own)
            projected.append(x)
            result["views"].append({"cells": n, "owners": own, "stages": records})
            index += 1
        owners_of_pictures.append(owners)
        rows_of_pictures.append(model.arrange(picture, owners, projected))
    ids, runs = prompt_with(prompt, rows_of_pictures)
    flat = [row for picture in rows_of_pictures for rows in picture for row in rows]
    flat_runs = [one for picture in runs for one in picture]
    three = isinstance(model, Qwen35)
    positions, after = axis_positions(prompt, owners_of_pictures) if three else (list(range(model.first_position, len(ids) + model.first_position)), len(ids) + model.first_position)
    RUN["prefix"] = len(ids) if model.prefix_lm else 0
    greedy, margins = [], [math.inf]
    never = placeholder(model.config)
    for step in range(GREEDY_STEPS):
        more = list(range(after, after + step))
        place = [axis + more for axis in positions] if three else positions + more
        logits, cuts = model.logits(ids + greedy, flat_runs, flat, place, setting.get("maxRatio"))
        if step == 0:
            result["logits"], last, all_cuts = logits, logits[-1], cuts
        row = logits[-1].clone()
        row[model.known :] = -math.inf
        if never is not None and 0 <= never < len(row):
            row[never] = -math.inf
        best = row.topk(2).values
        margin = float((best[0] - best[1]) / row[row.isfinite()].abs().max())
        # Tokens after a choice that f32 cannot tell would be another answer.
        if margin < LEAST_MARGIN:
            break
        margins.append(margin)
        greedy.append(int(row.argmax()))
    result.update(ids=ids, runs=runs, projected=torch.stack(flat), greedy=greedy, margin=min(margins), last=last, features=features)
    image = torch.zeros(len(ids), dtype=torch.bool)
    for start, count in flat_runs:
        image[start : start + count] = True
    result["cuts"] = {layer: cut[: len(ids), : len(ids)][~image][:, image] for layer, cut in all_cuts.items()}
    return result
