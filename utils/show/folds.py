"""Boxes of a diagram -> fewer boxes: sums and followers merge, equal boxes merge, repeated blocks fold.

A box is a `graph.Box`; in a list each box is after those that it reads.
"""

import re
from collections import Counter
from dataclasses import replace

HUB, LEAST, MOST_INPUTS = 3, 3, 4  # readers of a hub; copies of a fold, at least; inputs that are drawn once, at most


def consumers(boxes):
    """The readers of each box: dict of box id -> list of Box."""
    found = {id(box): [] for box in boxes}
    for box in boxes:
        for each in box.inputs:
            found[id(each)].append(box)
    return found


def needed(boxes, gone=()):
    """Keep only boxes that lead to an output; boxes in `gone` are replaced by their inputs."""
    gone, keep = {id(box) for box in gone}, set()
    for box in reversed(boxes):
        while any(id(each) in gone for each in box.inputs):
            box.inputs = unique(x for each in box.inputs for x in (each.inputs if id(each) in gone else [each]))
        if box.kind == "output" or id(box) in keep:
            keep |= {id(each) for each in box.inputs}
    return [box for box in boxes if (box.kind == "output" or id(box) in keep) and id(box) not in gone]


def merge_sums(boxes):
    """Draw one circle for several sums, and one box for arithmetic that only other arithmetic reads."""
    while True:
        readers, gone = consumers(boxes), []
        for box in boxes:
            kinds = [each.kind for each in readers[id(box)]]
            if box.kind == "+" and any(each.kind == "arithmetic" for each in box.inputs):
                box.kind, box.title, box.name, box.notes = "arithmetic", "arithmetic", "arithmetic", ["add"]
            if box.kind == "+" and kinds == ["+"]:
                gone.append(box)
            elif box.kind in ("+", "arithmetic") and set(kinds) == {"arithmetic"}:
                gone.append(box)
                for each in readers[id(box)]:
                    each.notes = list(dict.fromkeys((box.notes or ["add"]) + each.notes))
        for box in boxes:  # several results of the same arithmetic become one
            ends = [each for each in box.inputs if each.kind in ("+", "arithmetic")]
            if box.kind == "output" and len(ends) > 1 and len(ends) == len(box.inputs):
                notes = list(dict.fromkeys(note for each in ends for note in each.notes or ["add"]))
                last = replace(ends[0], kind="arithmetic", title="arithmetic", name="arithmetic", notes=notes,
                               shape=box.shape, inputs=ends, weights={})
                boxes.insert(boxes.index(box), last)
                box.inputs, gone = [last], gone or [None]
                break
        if not gone:
            return boxes
        boxes = needed(boxes, filter(None, gone))


def merge_followers(boxes):
    """Write an operation that directly follows a layer, and replaces its output, into the layer's box."""
    readers, gone = consumers(boxes), []
    for box in boxes:
        if box.kind != "follower" and "Normalization" not in box.kind:
            continue
        before, = box.inputs
        while any(before is each for each in gone):
            before, = before.inputs
        alone = len(readers[id(box.inputs[0])]) == 1 and before.kind != "input" and (
            box.kind == "follower" or before.kind != "+")
        if alone:
            before.notes = before.notes + ([box.title] if box.title else [])
            before.weights, before.shape = before.weights | box.weights, box.shape
        if alone or not box.title or box.title.startswith("dropout"):
            gone.append(box)
            box.inputs = [before]
    return needed(boxes, gone)


def merge_twins(boxes):
    """Merge equal boxes with the same inputs and the same readers, and inputs with the same readers."""
    found, gone, readers = {}, [], consumers(boxes)
    for box in boxes:
        key = (box.kind, *(() if box.kind in ("input", "arithmetic") else _signature(box, False)), *map(id, box.inputs),
               frozenset(map(id, readers[id(box)])))
        first = found.setdefault(key, box)
        if first is box or box.kind in ("output", "+"):
            continue
        gone.append(box)
        first.weights |= box.weights
        if box.kind == "input":
            first.title += f", {box.title}"
            first.shape = first.shape if first.shape == box.shape else ()
        elif box.kind != "arithmetic":
            first.count += 1
            first.name = re.sub(r"_\d+$", "", first.name)
    gone = {id(box) for box in gone}
    for box in boxes:
        box.inputs = [each for each in box.inputs if id(each) not in gone]
    return [box for box in boxes if id(box) not in gone]


def ordered(boxes):
    """Sort boxes from the inputs on, each way to its end; boxes with many readers come first."""
    readers, order = consumers(boxes), {}
    roots = [box for kinds in (["input"], None, ["output"]) for box in boxes
             if (len(readers[id(box)]) >= HUB if kinds is None else box.kind in kinds)]
    stack = [(box, False) for box in reversed(roots)]
    while stack:
        box, ready = stack.pop()
        if ready:
            order.setdefault(id(box), box)
        elif id(box) not in order:
            stack.append((box, True))
            stack += [(each, False) for each in reversed(box.inputs)]
    return list(order.values())


def _signature(box, weights=True):
    return (box.kind, box.title, tuple(box.notes), box.shape, tuple(box.weights.values()) if weights else 0,
            str({name: values[0] for name, values in box.traits.items() if name in ("taps", "kernel", "stride")}))


def _pattern(boxes, places, start, period, index, first=False):
    """The inputs of a box in a copy: boxes in this copy or the one before by their place, other boxes themselves."""
    found = []
    for each in boxes[start + index].inputs:
        place = places[id(each)] - start
        found.append(("here", place) if place >= 0 else ("before", place + period) if place >= -period and not first
                     else ("out", id(each)))
    return found


def _copies(boxes, alike, places, start, period):
    """Count the boxes from start on that repeat the first `period` boxes, with equal inputs, copy after copy."""
    for count in range(period, len(boxes) - start):
        copy, index = divmod(count, period)
        base = start + count - index
        if not alike[start + count] or alike[start + count] != alike[start + count - period]:
            return count
        now = Counter(_pattern(boxes, places, base, period, index))
        last = Counter(_pattern(boxes, places, base - period, period, index, first=copy == 1))
        if copy == 1:  # the first copy reads another box, since there is no copy before it
            now, size = Counter({each: number for each, number in now.items() if each[0] != "before"}), now.total()
            last = last & now if last.total() == size else None
        if now != last:
            return count
    return len(boxes) - start


def fold(boxes, number):
    """Fold the longest run of equal copies into the first copy; (boxes, whether there was one)."""
    places, (best, start, period) = {id(box): place for place, box in enumerate(boxes)}, (0, 0, 0)
    alike = [() if box.kind in ("input", "output") or box.block else _signature(box) for box in boxes]
    for length in range(1, len(boxes) // 2 + 1):
        for first in range(min(len(boxes) - length, len(boxes) - best)):
            covered = _copies(boxes, alike, places, first, length)
            copies = covered // length + (2 * (covered % length) >= length)  # the end of the last copy may be missing
            if covered > best and copies >= LEAST:
                best, start, period = covered, first, length
    folded = {}
    for place in range(start + period, start + best):
        box, first = boxes[place], boxes[start + (place - start) % period]
        base, folded[id(box)] = place - (place - start) % period, first
        first.count += box.count
        first.weights |= box.weights
        first.traits = {name: values + box.traits[name] for name, values in first.traits.items()}
        for each in box.inputs:
            if base - period <= places[id(each)] < base:
                source = boxes[start + (places[id(each)] - start) % period]
                source.next = source.next or first
    for box in boxes[start:start + period]:
        box.block = number if period > 1 else 0
        box.name = re.sub(r"_0$", f"_0 to {box.count - 1}", box.name) if len(box.weights) > 1 else box.name
    boxes = [box for box in boxes if id(box) not in folded]
    for box in boxes:
        read = Counter(id(folded.get(id(each), each)) for each in box.inputs)
        box.inputs = unique(folded.get(id(each), each) for each in box.inputs)
        box.fans |= {id(each): read[id(each)] for each in box.inputs if read[id(each)] > 1}
    return boxes, best > 0


def split_inputs(boxes):
    """If there are many inputs, name them at each box that reads them, lines from all to all are not readable."""
    inputs = [box for box in boxes if box.kind == "input"]
    if len(inputs) <= MOST_INPUTS:
        return boxes
    found = []
    for box in boxes:
        read = [each for each in box.inputs if each.kind == "input"]
        if read:
            names = ", ".join(each.title for each in read)
            found.append(replace(read[0], title=names, shape=(), block=box.block, count=1))
            box.inputs = [each for each in box.inputs if each.kind != "input"] + [found[-1]]
        found += [box] if box.kind != "input" else []
    return found


def unique(items):
    return list({id(item): item for item in items}.values())
