"""Compression of cells: VMTC and `diverse`, in float64 from their description."""

import math

import torch


def round_half_up(value):
    return math.floor(value + 0.5)


def stage_plan(n, final, stages, layers):
    """[(block, cells out, clusters)] of the stages that shrink a view of n cells."""
    plan, now = [], n
    for i in range(1, stages + 1):
        out = final if i == stages else round_half_up(n * (final / n) ** (i / stages))
        if out < now:
            plan.append((i * layers // (stages + 1), out, min(out, max(1, round_half_up(0.156 * out)))))
            now = out
    return plan


def first_best(values, best):
    """The lowest index within 1e-6 of the best."""
    return next(i for i, v in enumerate(values) if abs(v - best) <= 1e-6)


def cosine_k_means(rows, count):
    """Labels, numbered by smallest member."""
    count = min(count, len(rows))
    norms = rows.norm(dim=1, keepdim=True)
    unit = torch.where(norms > 0, rows / norms, torch.zeros_like(rows))
    step = len(rows) // count
    centres = [unit[i * step] for i in range(count)]
    labels = None
    for _ in range(10):
        cosines = unit @ torch.stack(centres).T
        new = [first_best(row, max(row)) for row in cosines.tolist()]
        for empty in range(count):
            if empty in new:
                continue
            movable = [i for i in range(len(rows)) if new.count(new[i]) >= 2]
            own = [float(cosines[i, new[i]]) for i in movable]
            new[movable[first_best(own, min(own))]] = empty
        if new == labels:
            break
        labels = new
        for c in range(count):
            total = unit[[i for i, label in enumerate(labels) if label == c]].sum(0)
            centres[c] = total / total.norm() if total.norm() >= 1e-6 else torch.zeros_like(total)
    names = {}
    return [names.setdefault(label, len(names)) for label in labels]


def compress(z, importance, out, clusters):
    """z [N, s, D], importance [N] -> [out, s, D], the primary cells, the labels of the others, and for each new cell the
    index of the old one that it counts as."""
    order = sorted(range(len(z)), key=lambda i: (-float(importance[i]), i))
    primary = sorted(order[: out - clusters])
    redundant = sorted(order[out - clusters :])
    cells, counts_as, labels = [z[i] for i in primary], list(primary), []
    if clusters:
        labels = cosine_k_means(z[redundant].flatten(1), clusters)
        for c in range(clusters):
            members = [redundant[i] for i, label in enumerate(labels) if label == c]
            weight = importance[members]
            total = weight.sum()
            share = torch.full_like(weight, 1 / len(members)) if total < 1e-12 else weight / total
            cells.append((share[:, None, None] * z[members]).sum(0))
            counts_as.append(max(members, key=lambda i: (float(importance[i]), -i)))
    return torch.stack(cells), primary, labels, counts_as


def diverse(x, count):
    """Indices of the kept rows, ascending."""
    norms = x.norm(dim=1, keepdim=True)
    unit = torch.where(norms > 0, x / norms, torch.zeros_like(x))
    distance = 1 - unit @ unit.T
    distance.fill_diagonal_(math.inf)
    chosen = []
    while len(chosen) < count:
        if not chosen:
            nearest = distance.min(1).values.tolist() if len(x) > 1 else [0.0]
        else:
            nearest = [-math.inf if i in chosen else float(distance[i, chosen].min()) for i in range(len(x))]
        chosen.append(first_best(nearest, max(nearest)))
    return sorted(chosen)
