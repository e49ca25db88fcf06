"""Boxes of a diagram -> their places: rows from top to bottom, ways around other boxes, frames for blocks."""

from dataclasses import dataclass, field

from utils.show import folds

ROW_GAP, BOX_GAP, LANE, CARD_MARGIN = 20, 18, 12, 16  # pixels: between rows, between boxes, of a line, at the edges
FRAME_TOP, FRAME_SIDE, LOOP = 20, 10, 26  # of a frame around a block: above, at the sides, on the right for its loop
SWEEPS, NARROWEST = 24, 420  # NARROWEST in pixels, to leave room for the caption


@dataclass(eq=False, repr=False)
class Item:
    """An item of a row: a box, or a line that passes the row.

    box: graph.Box, or None for a line. row: int. width, height: pixels. x, y: pixels, of its middle. block: see Box.
    ups, downs: the connected items.
    """

    box: object
    row: int
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    block: int = 0
    ups: list = field(default_factory=list)
    downs: list = field(default_factory=list)


def place(boxes, size, known=True):
    """Find a place for every box and every line.

    Args: boxes: list of graph.Box. size: function from a Box to its (width, height) in pixels. known: whether their
        inputs are known; if not, the boxes are one below the other.
    Returns: (dict of box id -> Item, list of ways, dict of block -> (left, top, right, bottom), (width, height)). A way
        is a list of Item from one box to another, with the lines between.
    """
    rows, items, ways = _levels(boxes) if known else {id(box): row for row, box in enumerate(boxes)}, {}, []
    for box in boxes:
        width, height = size(box)
        items[id(box)] = Item(box, rows[id(box)], width, height, block=box.block)
    for box in boxes:
        for source in box.inputs:
            block = max(box.block, source.block)
            between = [Item(None, row, LANE, 0, block=block) for row in range(rows[id(source)] + 1, rows[id(box)])]
            ways.append([items[id(source)], *between, items[id(box)]])
            for one, other in zip(ways[-1], ways[-1][1:]):
                one.downs.append(other)
                other.ups.append(one)
    table = [[] for _ in range(max(rows.values()) + 1)]
    for item in folds.unique([*items.values(), *(item for way in ways for item in way)]):
        table[item.row].append(item)
    for row in table:
        for item in row:  # lines that pass a block's rows without reading it stay outside
            inside = {other.block for other in row if other.box and other.block}
            item.block = item.block if item.box or item.block in inside else 0
        for place, item in enumerate(row):
            item.x = BOX_GAP * (place - (len(row) - 1) / 2)
    for sweep in range(SWEEPS):
        for row in table[::-1 if sweep % 2 else 1]:
            _settle(row, sweep % 2, sweep > SWEEPS // 2)
    _straighten(table, ways)
    frames, extent = _heights(table)
    return items, ways, frames, extent


def _levels(boxes):
    """The row of each box: as high as its inputs allow, then down to just above its readers.

    A block is alone in its rows: below all its inputs, and above all its readers.
    """
    rows, readers = {}, folds.consumers(boxes)
    members = {number: [box for box in boxes if box.block == number] for number in {box.block for box in boxes} - {0}}

    def row_of(box):
        if id(box) not in rows:
            inside = [each for each in box.inputs if each.block == box.block]
            outside = [each for other in members.get(box.block, [box]) for each in other.inputs
                       if each.block != box.block or not box.block]
            outside = [row_of(other) for each in outside for other in members.get(each.block, [each])]
            rows[id(box)] = 1 + max([*map(row_of, inside if box.block else []), *outside], default=-1)
        return rows[id(box)]

    for box in boxes:
        row_of(box)
    for box in reversed(boxes):
        below = [rows[id(each)] for each in readers[id(box)] if each.block == box.block or not box.block]
        below += [min(rows[id(each)] for each in members[other.block]) for other in readers[id(box)]
                  if other.block and other.block != box.block and not box.block]
        rows[id(box)] = min(below) - 1 if below else rows[id(box)]
    return rows


def _settle(row, upwards, both):
    """Move the items of a row to the middle of their connected items, in order and without overlap."""
    wanted = {}
    for item in row:
        joined = (item.downs if upwards else item.ups) if not both else ()
        joined = [(other.x, 1 if other.box or not item.box else 0.05) for other in joined or item.ups + item.downs]
        total = sum(weight for _, weight in joined)
        wanted[id(item)] = sum(x * weight for x, weight in joined) / total if joined else item.x
    middle = {block: _mean(wanted[id(item)] for item in row if item.block == block)
              for block in {item.block for item in row if item.block}}
    row.sort(key=lambda item: (middle.get(item.block, wanted[id(item)]), item.block, wanted[id(item)]))
    apart = [_apart(one, other) for one, other in zip(row, row[1:])]
    for item, x in zip(row, spread([wanted[id(item)] for item in row], apart)):
        item.x = x


def spread(wanted, apart):
    """Find numbers as near as possible to those that are wanted, in order and at least `apart` from each other."""
    right, left = wanted[:1], wanted[-1:]
    for want, least in zip(wanted[1:], apart):
        right.append(max(want, right[-1] + least))
    for want, least in zip(wanted[-2::-1], apart[::-1]):
        left.append(min(want, left[-1] - least))
    return [(one + other) / 2 for one, other in zip(right, left[::-1])]


def _apart(one, other, gap=None):
    """The distance of the middles of two items with this gap between them, by default that of neighbours."""
    return (one.width + other.width) / 2 + (gap or BOX_GAP * (1 if one.box and other.box else 0.6))


def _mean(values):
    values = list(values)
    return sum(values) / len(values)


def _straighten(table, ways):
    """Make chains of items vertical, each at one x, near their connected items; the order of each row stays."""
    chains = _chains(table, ways)
    while True:
        bounds = _bounds(table, chains)  # chain -> {chain to its right: smallest distance}
        order = _sorted(bounds)
        if len(order) == len(bounds):
            break
        for item, chain in list(chains.items()):  # chains that are each left of the other somewhere are dissolved
            chains[item] = chain if chain in order else item
    x, before = dict.fromkeys(order, 0.0), {chain: {} for chain in order}
    for chain in order:
        for other, least in bounds[chain].items():
            x[other] = max(x[other], x[chain] + least)
            before[other][chain] = least
    joined = {chain: [] for chain in order}
    for row in table:
        for one in row:
            for other in one.downs:
                a, b = chains[id(one)], chains[id(other)]
                weight = 4 if one.box and other.box else 0.5 if one.box or other.box else 1
                if a != b:
                    joined[a].append((b, weight))
                    joined[b].append((a, weight))
    for sweep in range(SWEEPS * 8):
        for chain in order[::-1 if sweep % 2 == 0 else 1]:
            if joined[chain]:
                low = max((x[other] + least for other, least in before[chain].items()), default=-1e9)
                high = min((x[other] - least for other, least in bounds[chain].items()), default=1e9)
                wanted = sum(x[other] * weight for other, weight in joined[chain])
                x[chain] = min(max(wanted / sum(weight for _, weight in joined[chain]), low), max(high, low))
    for row in table:
        for item in row:
            item.x = x[chains[id(item)]]


def _chains(table, ways):
    """The chain of each item: dict of item id -> id of its first item. A line is one chain, and so is a box with the
    box above it if each is the other's first choice.
    """
    chains = {id(item): id(item) for row in table for item in row}
    for way in ways:
        for one, other in zip(way[1:-1], way[2:-1]):
            chains[id(other)] = chains[id(one)]
    for row in table:
        for item in row:
            above = [each for each in item.ups if each.box]
            if item.box and above:
                above = [each for each in above if each.block == item.block] or above
                best = above[len(above) // 2] if len(above) % 2 else above[0]
                below = [each for each in best.downs if each.box]
                below = [each for each in below if each.block == best.block] or below
                below.sort(key=lambda each: each.box.kind == "output")
                if below[0] is item and (len(above) != 2 or item.block):
                    chains[id(item)] = chains[id(best)]
    return chains


def _bounds(table, chains):
    """The smallest distances from a chain to the chains on its right."""
    bounds = {chain: {} for chain in chains.values()}

    def keep(one, other, gap=None):
        a, b = chains[id(one)], chains[id(other)]
        bounds[a][b] = max(bounds[a].get(b, 0), _apart(one, other, gap))

    for row in table:
        for one, other in zip(row, row[1:]):
            keep(one, other)
    for block in {item.block for row in table for item in row if item.block}:
        rows = [row for row in table if any(item.block == block for item in row)]
        members = [item for row in rows for item in row if item.block == block]
        right = _right_side(members)
        for row in rows:
            first = next(place for place, item in enumerate(row) if item.block == block)
            for place, item in enumerate(row):
                for member in members if item.block != block else ():
                    if place < first:
                        keep(item, member, FRAME_SIDE + BOX_GAP)
                    else:
                        keep(member, item, right + BOX_GAP)
    return bounds


def _sorted(bounds):
    """The chains from left to right; chains that cannot be sorted are left out."""
    missing = dict.fromkeys(bounds, 0)
    for others in bounds.values():
        for other in others:
            missing[other] += 1
    free, order = [chain for chain, number in missing.items() if not number], []
    while free:
        order.append(free.pop())
        for other in bounds[order[-1]]:
            missing[other] -= 1
            free += [other] * (not missing[other])
    return order


def _sides(rows, block):
    """Left and right edge of a block's frame."""
    inside = [item for row in rows for item in row if item.block == block]
    return (min(item.x - item.width / 2 for item in inside) - FRAME_SIDE,
            max(item.x + item.width / 2 for item in inside) + _right_side(inside))


def _right_side(inside):
    """The room of a frame on the right of its items, with the line to the next copy if there is one."""
    return LOOP if any(item.box and item.box.next for item in inside) else FRAME_SIDE


def _heights(table):
    """Place each row below the last one; return the frames, and the width and height of the picture."""
    y, frames, blocks = CARD_MARGIN, {}, {}
    for number, row in enumerate(table):
        for item in row:
            if item.block and item.box:
                blocks.setdefault(item.block, []).append(number)
    for number, row in enumerate(table):
        y += FRAME_TOP if any(min(rows) == number for rows in blocks.values()) else 0
        height = max(item.height for item in row)
        for item in row:
            item.y = y + height / 2
        y += height + ROW_GAP + (FRAME_SIDE if any(max(rows) == number for rows in blocks.values()) else 0)
    for block, rows in blocks.items():
        inside = table[min(rows):max(rows) + 1]
        left, right = _sides(inside, block)
        ends = [item for row in inside for item in row if item.block == block and item.box]
        frames[block] = (left, min(item.y - item.height / 2 for item in ends) - FRAME_TOP, right,
                         max(item.y + item.height / 2 for item in ends) + FRAME_SIDE)
    edges = [edge for row in table for item in row for edge in (item.x - item.width / 2, item.x + item.width / 2)]
    edges += [edge for left, _, right, _ in frames.values() for edge in (left, right)]
    shift = max(CARD_MARGIN, (NARROWEST - max(edges) + min(edges)) / 2) - min(edges)
    for row in table:
        for item in row:
            item.x += shift
    frames = {block: (a + shift, top, b + shift, bottom) for block, (a, top, b, bottom) in frames.items()}
    return frames, (max(max(edges) + shift + CARD_MARGIN, NARROWEST), y - ROW_GAP + CARD_MARGIN)
