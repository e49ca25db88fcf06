"""A Keras model -> its diagram as SVG, drawn from the model: boxes from its inputs to its outputs."""

import textwrap
from html import escape

from IPython.display import SVG

from utils.show import graph as graphs
from utils.show import layout
from utils.show.layout import CARD_MARGIN
from utils.show.plots import BLUE, INK, LINE, ORANGE, PALE

SOFT, TINT, ARROWS = "#5F6871", "#DDECF6", "#6B747C"  # of small text, of boxes that look across time, of arrows
TITLE, TEXT, SMALL_PRINT = 12, 10.5, 9.5  # pixels
LONGEST, BROADEST, TALLEST = 40, 720, 640  # characters of a line in a box; pixels of a picture
OPEN_AXIS = {None: "steps"}
TIED = "\N{NO-BREAK SPACE}"
WIDTH_OF = 0.6  # of a letter, as a share of its height: wider than in most fonts
SVG_HEAD = ('<svg xmlns="http://www.w3.org/2000/svg" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}" '
        'style="max-width:100%;height:auto" font-family="Helvetica, Arial, sans-serif">'
        '<rect width="{0:.0f}" height="{1:.0f}" rx="8" fill="#FFFFFF"/>')


def network(model, graph=None, words=None, axes=None):
    """Draw a network: a box for each layer with weights, arrows for its inputs, repeated blocks once.

    Args: model: keras.Model, built. graph: for a network that is a class, the result of `nets.graphs.of`; without it
        the layers are listed in order of construction. words: dict from the name of a layer, an input, "output" or
        "arithmetic" to the text in its box. axes: dict of size -> name of an axis that is not the last; None: an axis
        of any size.
    Returns: IPython SVG, on a white card; its text is in `.data`.
    Raises: ValueError for a model without layers.
    Notebook: 02, 03 and 04, where each network is introduced.
    """
    boxes, known = graphs.read(model, graph)
    texts, items, ways, frames, (width, height) = _placed(boxes, words or {}, OPEN_AXIS | (axes or {}), known)
    lines = [line for each in _caption(model, boxes, known)
             for line in textwrap.wrap(each, int((width - 2 * CARD_MARGIN) / (TEXT * 0.53)))]
    parts = [_frame(frame, max(each.count for each in boxes if each.block == block)) for block, frame in frames.items()]
    parts += _arrows(items, ways) + [_loop(items, each, frames[each.block]) for each in boxes
                                     if each.next and each.block]
    parts += [_draw(items[id(each)], texts[id(each)]) for each in boxes]
    parts += [text(CARD_MARGIN, height + 8 + 14 * row, each, colour=SOFT, anchor="start")
              for row, each in enumerate(lines)]
    return card(width, height + 14 * len(lines) + 8, parts)


def card(width, height, parts):
    """Make a picture of this size in pixels from its parts, on white: IPython SVG."""
    return SVG(SVG_HEAD.format(width, height) + "\n".join(parts) + "</svg>")


def text(x, y, words, size=TEXT, colour=INK, weight="normal", anchor="middle"):
    """A line of text as SVG, y its baseline."""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" font-weight="{weight}" '
            f'text-anchor="{anchor}">{escape(words)}</text>')


def box(x, y, width, height, fill=PALE, stroke=LINE, radius=4, more=""):
    """A box as SVG, x and y its middle."""
    return (f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'rx="{radius}" fill="{fill}" stroke="{stroke}"{more}/>')


def line(path, colour=ARROWS, dashed=False, head=None, more=""):
    """A line as SVG; head: (x, y, direction in "down left right up") of the point of an arrow at its end."""
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    drawn = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.3"{dashes}{more}/>'
    if head:
        x, y, way = head
        ends = {"down": ((-3.5, -7), (3.5, -7)), "right": ((-7, -3.5), (-7, 3.5)), "left": ((7, -3.5), (7, 3.5)),
                "up": ((-3.5, 7), (3.5, 7))}[way]
        points = " ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in ((0, 0), *ends))
        drawn += f'<polygon points="{points}" fill="{colour}"/>'
    return drawn


def _placed(boxes, words, axes, known):
    """The texts and places of all boxes; if the picture is too high, some or all boxes get a single line."""
    tried, alone = [], set()
    for flat in (set(), alone, set(map(id, boxes))):
        texts = {id(each): _texts(each, words, axes, id(each) in flat) for each in boxes}
        items, *others = layout.place(boxes, lambda each, texts=texts: _size(each, texts[id(each)]), known)
        rows = [items[id(each)].row for each in boxes]
        alone |= {id(each) for each, row in zip(boxes, rows) if rows.count(row) == 1}
        width, height = others[-1]
        tried.append((max(width - BROADEST, 0) * 4 + max(height - TALLEST, 0), texts, items, *others))
        if not tried[-1][0]:
            break
    return min(tried, key=lambda each: each[0])[1:]


def _texts(box, words, axes, flat):
    """The lines of a box, each a list of (text, size, colour, weight); flat: on as few lines as possible."""
    plain = lambda words, colour=INK: [[(each, TEXT, colour, "normal")] for each in _evenly(words)]
    title, shape = words.get(box.name, box.title), _shape(box, axes)
    if box.kind in ("input", "output"):
        return plain(f"{title} {shape}".strip())
    if box.kind in ("+", "follower"):
        return plain(", ".join(box.notes) if box.kind == "+" else title)
    name = box.name if box.name not in words and box.kind != "arithmetic" else ""
    first = [(title + (f" × {box.count}" if box.count > 1 and not box.block else ""), TITLE, INK, "bold"),
             (2 * TIED + name if name else "", TEXT, SOFT, "normal")]
    traits = [f"{box.traits['taps'][0]} taps"] if "taps" in box.traits else []
    traits += [f"{kind} {_series(values)}" for kind, values in box.traits.items()
               if kind in ("kernel", "dilation", "stride") and set(values) != {1}]
    traits += ["looks ahead"] if max(box.traits.get("ahead", [0])) > 0 else []
    notes = box.notes[:4] + ["..."] * (len(box.notes) > 4) if box.kind == "arithmetic" else box.notes
    notes = [] if box.name in words and box.kind == "arithmetic" else notes
    fans = [f"from all {number} copies" for number in box.fans.values()]
    lines = plain(", ".join(each.replace(" ", TIED) for each in [*fans, *traits, *notes]))
    detail = " · ".join(filter(None, (shape, _weights(box))))
    if flat and detail:
        return [[*first, (2 * TIED + detail, TEXT, SOFT, "normal")], *lines]
    return [first, *lines] + (plain(detail, SOFT) if detail else [])


def _shape(box, axes):
    """The shape of a box's output, with names for open axes and for axes of known sizes."""
    if not box.shape:
        return ""
    names = [str(axes.get(size, size)) for size in box.shape]
    if len(box.shape) > 1 and box.kind != "input" and box.shape[-1] is not None:
        names[-1] = str(box.shape[-1])  # never a time axis
    return f"({', '.join(names)})"


def _evenly(words):
    """Lines of about the same length, at most LONGEST characters."""
    count = -(-len(words) // LONGEST)
    lines = textwrap.wrap(words, len(words) // count + 6, break_long_words=False) if count else []
    lines = lines if len(lines) == count else textwrap.wrap(words, LONGEST, break_long_words=False)
    return [each.replace(TIED, " ") for each in lines]


def _series(values):
    """Write 1, 2, 4 ... 512; a repeated series is written once."""
    period = next(size for size in range(1, len(values) + 1) if all(
        value == values[place % size] for place, value in enumerate(values)))
    again = len(values) // period
    once = [str(value) for value in values[:period]]
    once = [*once[:3], f"... {once[-1]}"] if len(once) > 8 else once
    once = ", ".join(once).replace(", ...", " ...")
    return f"({once}) × {again}" if again > 1 and period > 1 else once


def _weights(box):
    """The number of weights of a box, and of its copies."""
    found, total = list(box.weights.values()), sum(box.weights.values())
    each = len(found) // box.count
    if not found or box.count == 1 or len(found) < box.count:
        return f"{total:,} weights" + (", shared" if box.count > 1 else "") if found else ""
    same = all(found[start:start + each] == found[:each] for start in range(0, len(found), each))
    return f"{box.count} × {total // box.count:,} weights" if same else f"{total:,} weights"


def _wide(words, size, weight):
    return len(words) * size * WIDTH_OF * (1 if weight == "bold" else 0.93)


def _size(box, lines):
    """Width and height of a box with these lines."""
    wide = max((sum(_wide(words, size, weight) for words, size, _, weight in each) for each in lines), default=0)
    if box.kind == "+":
        return max(22, wide), 22 + 13 * len(lines)
    if box.kind in ("input", "output", "follower"):
        return wide + 20, 9 + 13 * len(lines)
    return max(wide + 16, 84), 11 + 14 * len(lines)


def _draw(item, lines):
    """A box and its text."""
    kind, x, y, step = item.box.kind, item.x, item.y, 14
    top, drawn = y - step * (len(lines) - 1) / 2, ""
    if kind == "+":
        step, middle = 13, y - item.height / 2 + 11
        drawn = (f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="11" fill="#FFFFFF" stroke="{ARROWS}"/>'
                 + line(f"M{x - 5:.1f} {middle:.1f}h10M{x:.1f} {middle - 5:.1f}v10", INK))
        top = middle + 19
    elif kind in ("input", "output", "follower"):
        step, top = 13, y - 13 * (len(lines) - 1) / 2
        drawn = box(x, y, item.width, item.height, "#FFFFFF", ARROWS, min(11, item.height / 2))
    else:
        if item.box.count > 1 and not item.box.block:  # copies behind it
            drawn = "".join(box(x + shift, y + shift, item.width, item.height, "#FFFFFF") for shift in (5, 2.5))
        across = item.box.across_time
        drawn += box(x, y, item.width, item.height, TINT if across else PALE, BLUE if across else LINE)
    return drawn + "".join(_spans(x, top + step * row + 4, each) for row, each in enumerate(lines))


def _spans(x, y, spans):
    """A line of text in several sizes and colours as SVG, x its middle."""
    inside = "".join(f'<tspan font-size="{size}" fill="{colour}" font-weight="{weight}">{escape(words)}</tspan>'
                     for words, size, colour, weight in spans if words)
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{inside}</text>'


def _arrows(items, ways):
    """The arrows of all ways; several arrows into one box are next to each other."""
    drawn, ends = [], {}
    for way in ways:
        ends.setdefault(id(way[-1]), []).append(way)
    for target in ends.values():
        target.sort(key=lambda way: way[-2].x)
        last, circle = target[0][-1], target[0][-1].box.kind == "+"
        half, apart = (3, 3) if circle else (last.width * 0.42, 14)
        wanted = [min(max(way[-2].x, last.x - half), last.x + half) for way in target]
        for place, way in enumerate(target):
            outside = place in (0, len(target) - 1) and len(target) > 1
            drawn.append(_arrow(way, layout.spread(wanted, [apart] * (len(target) - 1))[place],
                                circle and outside and _clear(items, way[-2].x, last)))
    return drawn


def _clear(items, x, circle):
    """Whether a line can reach the side of a circle from the row above: it is far enough away and crosses no box."""
    low, high = sorted((x, circle.x))
    between = [each for each in items.values() if each.row == circle.row and each is not circle
               and low - each.width / 2 - 8 < each.x < high + each.width / 2 + 8]
    return high - low > 30 and not between


def _arrow(way, port, sideways):
    """One arrow around everything between its ends, into the top of a box or the side of a circle."""
    first, last = way[0], way[-1]
    colour, x, y = ORANGE if len(way) > 2 else ARROWS, first.x, first.y + first.height / 2
    path = f"M{x:.1f} {y:.1f}"
    for item in way[1:-1]:
        top, bottom = _reach(item)
        path += _bend(x, y, item.x, top) + f"L{item.x:.1f} {bottom:.1f}"
        x, y = item.x, bottom
    top = last.y - last.height / 2
    if sideways:
        side, middle = 1 if x > last.x else -1, top + 11
        end = last.x + 11 * side
        path += f"C{x:.1f} {(y + middle) / 2:.1f} {x:.1f} {middle:.1f} {end + 12 * side:.1f} {middle:.1f}H{end:.1f}"
        return line(path, colour, head=(end, middle, "left" if side > 0 else "right"))
    return line(path + _bend(x, y, port, top), colour, head=(port, top, "down"))


def _reach(item):
    """Top and bottom of the row that a line passes."""
    row = [other for each in item.ups for other in each.downs] + [other for each in item.downs for other in each.ups]
    half = max([other.height / 2 for other in row if other.row == item.row] + [item.height / 2])
    return item.y - half, item.y + half


def _bend(x, y, to_x, to_y):
    if abs(x - to_x) < 0.5:
        return f"L{to_x:.1f} {to_y:.1f}"
    middle = (y + to_y) / 2
    return f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"


def _frame(frame, count):
    left, top, right, bottom = frame
    return (box((left + right) / 2, (top + bottom) / 2, right - left, bottom - top, "#FAFBFC", LINE, 8,
                ' stroke-dasharray="3 3"') + text(left + 8, top + 14, f"× {count}", TITLE, BLUE, "bold", "start"))


def _loop(items, source, frame):
    """The line from a copy of a block to the next copy."""
    one, other = items[id(source)], items[id(source.next)]
    plus = source.kind == "+"
    x, y = one.x + (11 if plus else one.width / 2), one.y - one.height / 2 + 11 if plus else one.y
    lane, port, top = frame[2] - 10, other.x + other.width * 0.3, other.y - other.height / 2
    path = f"M{x:.1f} {y:.1f}H{lane:.1f}V{top - 9:.1f}H{port:.1f}V{top:.1f}"
    return line(path, BLUE, dashed=True, head=(port, top, "down"))


def _caption(model, boxes, known):
    """Sentences that explain the picture."""
    drawn = {number for box in boxes for number in box.weights}
    missing = [layer for layer in model.layers if layer.weights and id(layer) not in drawn]
    found = [f"{model.count_params():,}  weights in total."]
    if missing:
        names = ", ".join(f"{layer.name} ({layer.count_params():,} weights)" for layer in missing)
        found[0] += f" Not drawn, because it reads no input: {names}."
    if not known:
        return [*found, "The layers in order of construction; their connections are not known."]
    said = []
    if any(box.across_time for box in boxes):
        said.append("Blue boxes look across time.")
    if any(box.next for box in boxes):
        said.append("Dashed: the output of one copy for the next copy.")
    if any(len(box.inputs) > 1 for box in boxes if box.kind not in ("+", "input")):
        said.append("Several arrows into a box: the numbers are concatenated.")
    return [*found, " ".join(said)] if said else found
