"""What the encoder stage is asked about a scene: dense labels per patch and per picture. No pixels, no words.

A patch belongs to the thing that covers at least 30 % of it; under 8 % it is background; between, it is left out of the
losses (IGNORE). The relation labels put on a thing's patches what the questions will need, so that the decoder later looks
an answer up instead of inferring it: its place, its neighbours, how many there are of its kind and category, and which kind
an enumeration names next.
"""

import numpy as np

from kinds import CATEGORY_OF, NO_KIND
from scene import AMBIGUOUS, NOTHING, Scene, neighbour

IGNORE = -100
# name -> number of classes; all of them are read from a thing's patches
RELATIONS = {"place": 9, "rank": 5, "same": 5, "category": 5, "left": NO_KIND + 1, "right": NO_KIND + 1, "above": NO_KIND + 1,
             "below": NO_KIND + 1, "next": NO_KIND + 1, "next_in_category": NO_KIND + 1}


def thing_labels(scene: Scene) -> np.ndarray:
    """[things, RELATIONS] classes, IGNORE where the scene does not settle one."""
    groups = scene.groups()
    order = [kind for kind, _ in groups]
    rows = []
    for index, thing in enumerate(scene.things):
        rank = order.index(thing.kind)
        category = CATEGORY_OF[thing.kind]
        later = [kind for kind in order[rank + 1 :]]
        later_in_category = [kind for kind in later if CATEGORY_OF[kind] == category]
        row = [thing.place if thing.place_margin() > 0.02 else IGNORE, rank, groups[rank][1] - 1,
               sum(CATEGORY_OF[t.kind] == category for t in scene.things) - 1]
        for axis, step in (("x", -1), ("x", 1), ("y", -1), ("y", 1)):
            other = neighbour(scene, index, axis, step)
            row.append(IGNORE if other == AMBIGUOUS else NO_KIND if other == NOTHING else scene.things[other].kind)
        row.append(later[0] if later else NO_KIND)
        row.append(later_in_category[0] if later_in_category else NO_KIND)
        rows.append(row)
    return np.array(rows, np.int64)


def patch_labels(scene: Scene, owner: np.ndarray, patch: int) -> dict[str, np.ndarray]:
    """Labels of a drawn scene. kind [P] int64; relations [P, RELATIONS] int64; present [kinds] float32; total, background."""
    side = owner.shape[0] // patch
    things = len(scene.things)
    line = np.arange(owner.shape[0]) // patch
    bins = ((line[:, None] * side + line) * (things + 1) + owner).ravel() + 1  # bin 0 of a patch: its background
    cover = np.bincount(bins, minlength=side * side * (things + 1)).reshape(side * side, -1)[:, 1:] / patch**2
    best = cover.argmax(1)
    share = cover.max(1)
    kinds = np.array([thing.kind for thing in scene.things], np.int64)
    kind = np.where(share >= 0.3, kinds[best], np.where(share < 0.08, NO_KIND, IGNORE))
    relations = np.where((share >= 0.3)[:, None], thing_labels(scene)[best], IGNORE)
    present = np.zeros(NO_KIND, np.float32)
    present[kinds] = 1
    return {"kind": kind, "relations": relations, "present": present, "total": np.int64(len(kinds) - 1),
            "background": np.int64(scene.background)}
