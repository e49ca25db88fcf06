"""The networks of the course in sizes that build in a moment, and what a picture in SVG holds."""

import functools
import re
from xml.etree import ElementTree

from tests import networks
from utils.measure import critic
from utils.nets import char_rnn, gan, gan_voices, graphs, infill, student, two_clocks, wavenet

SMALL = dict(channels=3, skip_channels=5)
BUILDERS = {  # name: function, and the titles that its diagram must hold
    "gru": (lambda: char_rnn.build_char_rnn(7, "gru", 6), "Embedding GRU Dense"),
    "lstm": (lambda: char_rnn.build_char_rnn(7, "lstm", 6, num_layers=2), "Embedding LSTM Dense"),
    "two_clocks": (lambda: networks.two_clock(), "Embedding GRU Dense"),
    "infill": (lambda: networks.infiller(), "RMS_normalisation dilated_convolution GRU Dense"),
    "wavenet": (lambda: wavenet.build(8, 1, 4, **SMALL), "Embedding dilated_convolution Dense"),
    "teacher": (lambda: wavenet.build(8, 2, 3, condition_size=4, hop=2, excitation_size=2, head="gaussian", **SMALL),
                "dilated_convolution Dense"),
    "student": (lambda: student.build(4, 3, 3, 5), "convolution depthwise_convolution Dense Fourier_transform"),
    "generator": (lambda: gan.build_generator((8, 6), (5, 6)), "Dense"),
    "discriminator": (lambda: gan.build_discriminator((8, 6), (5,), minibatch_std=True), "Dense spread_of_the_batch"),
    "choir": (lambda: gan_voices.build_generator(8, 4, 4), "singers"),
    "judge of the choir": (lambda: gan_voices.build_discriminator(8, 4), "convolution mean_over_all Dense"),
    "critic": (lambda: critic.build_network(8, 2), "convolution mean_over_all maximum_over_all Dense"),
}


@functools.cache
def built(name):
    """A model, and its graph where it is a class."""
    model = BUILDERS[name][0]()
    return model, graphs.of(model) if isinstance(model, (infill.Infiller, two_clocks.TwoClockRNN)) else None


def parse(svg):
    """What is drawn: ((width, height), boxes, circles, texts, points of arrows); boxes as (x, y, width, height)."""
    root = ElementTree.fromstring(svg.data)
    tag = lambda name: [each for each in root.iter() if each.tag.endswith(f"}}{name}")]
    number = lambda each, *names: tuple(float(each.get(name)) for name in names)
    boxes = [number(each, "x", "y", "width", "height") for each in tag("rect")[1:] if not each.get("stroke-dasharray")]
    circles = [number(each, "cx", "cy", "r") for each in tag("circle")]
    points = [tuple(map(float, re.split("[ ,]", each.get("points"))[:2])) for each in tag("polygon")]
    return number(root, "width", "height"), boxes, circles, tag("text"), points


def words(svg):
    """All that is written, a line for each text."""
    return "\n".join("".join(text.itertext()) for text in parse(svg)[3])


def sizes(svg):
    """The size of every letter, in pixels at the width of the picture."""
    return [float(each.get("font-size")) for text in parse(svg)[3] for each in text.iter() if each.get("font-size")]


def at_an_edge(point, boxes, circles):
    """Whether a point is on the edge of a box or circle."""
    x, y = point
    return any(left - 1 <= x <= left + width + 1 and top - 1 <= y <= top + height + 1
               and (min(abs(x - left), abs(x - left - width)) < 1 or min(abs(y - top), abs(y - top - height)) < 1)
               for left, top, width, height in boxes) or any(
        abs(((x - cx)**2 + (y - cy)**2)**0.5 - r) < 2 for cx, cy, r in circles)
