"""Small pictures that explain networks, each with the sizes of the given model: SVG on a white card."""

from utils.show import graph as graphs
from utils.show.diagrams import ARROWS, SMALL_PRINT, SOFT, TEXT, TINT, TITLE, box, card, line, text
from utils.show.plots import BLUE, INK, LINE, ORANGE, PALE

CARD_WIDTH, EDGE = 700, 20  # pixels: of a picture, and at its sides
MOST_DOTS, MOST_KEPT = 33, 16  # steps in a tree of taps; places in a queue
STATES = {"GRU": 1, "LSTM": 2, "SimpleRNN": 1}  # arrays that a layer keeps from step to step


def unrolled(model, characters):
    """Draw a recurrent network once for each character: the same weights at each step, and a state from step to step.

    Args: model: keras.Model with GRU or LSTM layers one after another, as `char_rnn.build_char_rnn`. characters: str or
        list of str, its inputs; about five.
    Returns: IPython SVG.
    Raises: ValueError for a model without such layers, and for fewer than two characters.
    Notebook: 02, "The original network".
    """
    layers = [layer for layer in model.layers if type(layer).__name__ in STATES]
    if not layers or len(characters) < 2:
        raise ValueError(f"{len(layers)} recurrent layers, {len(characters)} characters: give a GRU or an LSTM, and "
                         "two characters or more")
    column, rise, parts = (CARD_WIDTH - EDGE - 110) / len(characters), 72, []
    bottom = 74 + rise * len(layers)
    heights = [bottom - rise * (row + 1) + 4 for row in range(len(layers))]
    for place, character in enumerate(characters):
        x, last = EDGE + column * (place + 0.5), place + 1 == len(characters)
        parts += [box(x, bottom, 44, 26, "#FFFFFF", ARROWS, 11), text(x, bottom + 4, character, TITLE, weight="bold"),
                  text(x, 22, "next:", SMALL_PRINT, SOFT),
                  text(x, 38, "?" if last else characters[place + 1], TITLE, ORANGE, "bold"),
                  line(f"M{x:.1f} {heights[-1] - 20}V44", head=(x, 44, "up"))]
        for row, (y, layer) in enumerate(zip(heights, layers)):
            below, end = y + (rise - 20 if row else rise - 17), x + (60 if last else column - 31)
            parts += [line(f"M{x:.1f} {below}V{y + 20}", head=(x, y + 20, "up")), box(x, y, 62, 40, TINT, BLUE),
                      text(x, y + 4, type(layer).__name__, TITLE, weight="bold"),
                      line(f"M{x + 31:.1f} {y}H{end:.1f}", BLUE, head=(end, y, "right"))]
    for y, layer in zip(heights, layers):
        number = STATES[type(layer).__name__]
        said = f"{layer.units} numbers" if number == 1 else f"{number} × {layer.units} numbers"
        parts += [text(CARD_WIDTH - 10, y - 4, "state:", TEXT, BLUE, anchor="end"),
                  text(CARD_WIDTH - 10, y + 10, said, TEXT, BLUE, anchor="end")]
    count = sum(layer.count_params() for layer in layers)
    said = f"The same {count:,} weights of the recurrent layers at every step; only the state holds the past."
    return card(CARD_WIDTH, bottom + 50, [*parts, text(EDGE, bottom + 36, said, TEXT, SOFT, anchor="start")])


def taps(model, graph=None, num_layers=None):
    """Draw dilated convolutions as a tree: the inputs that one output can see, and the layers between.

    Args: model, graph: as `diagrams.network`. num_layers: number of first layers; by default as many as fit.
    Returns: IPython SVG. Raises: ValueError for a model without dilated convolutions, or layers too wide to draw.
    Notebook: 03, "How far back?"; 02, "Four named voices".
    """
    number, dilations, ahead = _dilations(model, graph)
    reach = [1 + (number - 1) * sum(dilations[:size]) for size in range(len(dilations) + 1)]
    period = next((size for size in range(1, len(dilations)) if dilations[size] < dilations[size - 1]), len(dilations))
    shown = num_layers or max(size for size in range(period + 1) if reach[size] <= MOST_DOTS)
    if not 0 < shown <= len(dilations) or reach[shown] > MOST_DOTS:
        raise ValueError(f"{shown} of {len(dilations)} layers: draw 1 or more that see at most {MOST_DOTS} steps")
    steps, rise = reach[shown] + 3, 46
    apart = (CARD_WIDTH - 2 * EDGE - 130) / steps
    xs = [EDGE + 8 + apart * (steps - 1 - step if ahead else step) for step in range(steps)]
    heights, seen = [30 + rise * (shown - row) for row in range(shown + 1)], [{steps - 1}]
    for dilation in dilations[shown - 1::-1]:
        seen.insert(0, {step - tap * dilation for step in seen[0] for tap in range(number)})
    ways = [(row, step, step - tap * dilations[row - 1]) for row in range(1, shown + 1) for step in range(steps)
            for tap in range(number) if step >= tap * dilations[row - 1]]
    ways.sort(key=lambda way: way[1] in seen[way[0]])  # lines that are seen are drawn last
    parts = [line(f"M{xs[start]:.1f} {heights[row - 1]}L{xs[step]:.1f} {heights[row]}",
                  BLUE if step in seen[row] else LINE) for row, step, start in ways]
    for row, y in enumerate(heights):
        for step, x in enumerate(xs):
            colour = "#FFFFFF" if step not in seen[row] else ORANGE if row == shown else BLUE
            parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="{min(5, apart / 3):.1f}" fill="{colour}" '
                         f'stroke="{ARROWS if step not in seen[row] else colour}"/>')
        said = f"layer {row}, dilation {dilations[row - 1]}" if row else "input"
        parts.append(text(CARD_WIDTH - 10, y + 4, said, TEXT, INK, anchor="end"))
    said = f"One output of {shown} layers sees {reach[shown]} steps" + (" from its own on." if ahead else ".")
    said += f" All {len(dilations)} layers together: {reach[-1]:,}." if shown < len(dilations) else ""
    return card(CARD_WIDTH, heights[0] + 48, [*parts, text(EDGE, heights[0] + 34, said, TEXT, SOFT, anchor="start")])


def queue(model, layer=3):
    """Draw the memory of one dilated layer while a network writes: a queue as long as its dilation.

    Args: model: as `wavenet.build`. layer: which of its dilated layers, from 0.
    Returns: IPython SVG. Raises: ValueError for a model without dilated layers that look back, for a layer that does
        not exist, or one with a queue too long to draw.
    Notebook: 03, "Queues".
    """
    _, dilations, ahead = _dilations(model, None)
    if ahead or not 0 <= layer < len(dilations) or dilations[layer] > MOST_KEPT:
        raise ValueError(f"layer {layer} of {len(dilations)}: choose one that looks back at most {MOST_KEPT} steps")
    size = dilations[layer]
    apart, y, parts = (CARD_WIDTH - 2 * EDGE) / (size + 5), 84, []
    for back in range(size + 3, -1, -1):
        x = EDGE + apart * (size + 3.5 - back)
        kept, read = 0 < back <= size, back in (0, size)
        fill, stroke = ("#FFFFFF", ORANGE) if not back else (TINT, ORANGE if read else BLUE) if kept else (PALE, LINE)
        parts += [box(x, y, min(apart - 6, 44), 34, fill, stroke),
                  text(x, y + 4, f"−{back}" if back else "now", TEXT if apart > 34 else SMALL_PRINT,
                       INK if kept or read else SOFT)]
    x_now, x_old = (EDGE + apart * (size + 3.5 - back) for back in (0, size))
    middle = (x_now + x_old) / 2
    for x in (x_now, x_old):
        parts.append(line(f"M{x:.1f} {y - 18}C{x:.1f} 50 {middle:.1f} 62 {middle:.1f} 42", ORANGE,
                          head=(middle, 42, "up") if x == x_old else None))
    parts += [text(middle, 34, f"layer {layer + 1}, dilation {size}: its two taps", TITLE, INK, "bold"),
              line(f"M{x_now:.1f} {y + 18}V{y + 42}H{x_old:.1f}V{y + 20}", BLUE, True, (x_old, y + 18, "up")),
              text(middle, y + 58, "the present input replaces the oldest", TEXT, BLUE),
              text(EDGE, y + 84, f"Blue: the {size} inputs in the queue. Grey: forgotten. All {len(dilations)} layers "
                   f"keep {sum(dilations):,} inputs.", TEXT, SOFT, anchor="start")]
    return card(CARD_WIDTH, y + 98, parts)


def adversaries(generator, discriminator, sample="four bars"):
    """Draw the loop of a GAN: the inputs of the verdict, and the two gradients that flow back.

    Args: generator, discriminator: keras.Model, as `gan` or `gan_voices` builds them. sample: str, what is generated.
    Returns: IPython SVG. Raises: ValueError for a discriminator whose output is not a single number.
    Notebook: 04, "The original networks".
    """
    if discriminator.output_shape[-1] != 1:
        raise ValueError(f"a discriminator with outputs {discriminator.output_shape}: it must give one number")
    sizes = lambda shape: " × ".join(str(size) for size in shape[1:])
    noise, made, judge, end, high, low = 70, 232, 470, 632, 70, 180
    middle, read = (high + low) / 2, discriminator.input_shape != generator.output_shape
    parts = []
    for x, y, above, below in ((noise, high, "noise", f"{sizes(generator.input_shape)} numbers"),
                               (noise, low, "Bach", sample), (end, middle, "real,", "or made?")):
        parts += [box(x, y, 92, 40, "#FFFFFF", ARROWS, 11), text(x, y - 2, above), text(x, y + 12, below, TEXT, SOFT)]
    for x, y, name, model in ((made, high, "generator", generator), (judge, middle, "discriminator", discriminator)):
        parts += [box(x, y, 140, 50, PALE, LINE), text(x, y - 4, name, TITLE, weight="bold"),
                  text(x, y + 13, f"{model.count_params():,} weights", TEXT, SOFT)]
    for path, y in ((f"M{made + 70} {high}C{made + 130} {high}", middle - 12),
                    (f"M{noise + 46} {low}H{made + 70}C{made + 130} {low}", middle + 12)):
        parts.append(line(f"{path} {judge - 120} {y} {judge - 70} {y}", head=(judge - 70, y, "right")))
    said = f"{sample}, {sizes(generator.output_shape)}"
    if read:
        parts.append(text(judge - 60, middle - 34, f"read as {sizes(discriminator.input_shape)}", TEXT, SOFT,
                          anchor="start"))
    return card(CARD_WIDTH, low + 58, [
        *parts, text(made + 76, high - 8, said, TEXT, SOFT, anchor="start"),
        line(f"M{noise + 46} {high}H{made - 70}", head=(made - 70, high, "right")),
        line(f"M{judge + 70} {middle}H{end - 46}", head=(end - 46, middle, "right")),
        line(f"M{end} {middle - 20}V{high - 42}H{made}V{high - 25}", ORANGE, True, (made, high - 25, "down")),
        text((made + end) / 2 + 60, high - 48, "lesson of the generator: pass for Bach", TEXT, ORANGE),
        line(f"M{end} {middle + 20}V{low + 10}H{judge}V{middle + 25}", BLUE, True, (judge, middle + 25, "up")),
        text((judge + end) / 2, low + 25, "lesson of the discriminator:", TEXT, BLUE),
        text((judge + end) / 2, low + 39, "tell one from the other", TEXT, BLUE)])


def _dilations(model, graph):
    """Taps of each dilated layer, their dilations in order, and whether they look ahead."""
    found = [each for each in graphs.read(model, graph)[0] if each.kind == "taps"]
    if not found:
        raise ValueError(f"{model.name} has no dilated convolutions: pass what wavenet.build returned")
    traits = {name: [value for each in found for value in each.traits[name]] for name in found[0].traits}
    return traits["taps"][0], traits["dilation"], max(traits["ahead"]) > 0
