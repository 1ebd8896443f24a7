"""CMAI as an attention function for transformers' decoders."""

import math

import torch
from transformers import AttentionInterface

RUN = {}  # of the forward pass in progress: image [T] bool, prefix, ratio or None, layers, and the record that it fills


def visible_keys(t, window, prefix):
    rows, keys = torch.arange(t)[:, None], torch.arange(t)[None]
    seen = keys <= rows
    if window:
        seen = seen & (keys > rows - window)
    if prefix:
        seen = torch.where(rows < prefix, keys < prefix, seen)
    return seen


def attention(module, query, key, value, attention_mask, scaling, sliding_window=None, softcap=None, **_):
    group = query.shape[1] // key.shape[1]
    key, value = (x[0].repeat_interleave(group, 0) for x in (key, value))
    logits = query[0] @ key.transpose(1, 2) * scaling
    if softcap:
        logits = softcap * torch.tanh(logits / softcap)
    t = logits.shape[-1]
    seen = visible_keys(t, sliding_window, RUN["prefix"])
    logits = logits.masked_fill(~seen, -math.inf)
    weights = logits.softmax(-1)
    gamma = (RUN["ratio"] or 0) * module.layer_idx / max(RUN["layers"] - 1, 1)
    if gamma > 0:
        cut = inhibited(weights.mean(0), seen, RUN["image"], gamma)
        RUN["cuts"][module.layer_idx] = cut
        weights = logits.masked_fill(cut, -math.inf).softmax(-1)
    return (weights @ value).transpose(0, 1)[None], None


def inhibited(a, seen, image, gamma):
    """a [T, T] head mean -> [T, T] bool"""
    text_before = a * ~image[None]
    text_before.fill_diagonal_(0)
    focus = a + text_before @ a
    cut = torch.zeros_like(seen)
    for j in range(len(a)):
        seen_images = (seen[j] & image).nonzero()[:, 0]
        if image[j] or len(seen_images) == 0:
            continue
        rank = gamma * (len(seen_images) - 1)
        rank = round(rank) if abs(rank - round(rank)) < 1e-9 else rank
        values = focus[j, seen_images]
        threshold = values.sort().values[math.ceil(rank)]
        cut[j, seen_images] = values < threshold
    return cut


AttentionInterface.register("reductions", attention)
