"""A Keras model, read by its attributes -> the boxes of its diagram, mostly layers with weights; repeats are folded.

Keras is never imported: the model's attributes tell which operation made each tensor, and from which tensors.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from utils.show import folds

ACTIVATIONS = {"Tanh": "tanh", "Sigmoid": "sigmoid", "Relu": "ReLU", "ReLU": "ReLU", "Silu": "SiLU", "Gelu": "GELU",
               "LeakyReLU": "leaky ReLU", "LeakyRelu": "leaky ReLU", "Softmax": "softmax", "relu": "ReLU",
               "silu": "SiLU", "gelu": "GELU", "tanh": "tanh", "sigmoid": "sigmoid"}
TITLES = {"BatchNormalization": "batch normalisation", "LayerNormalization": "layer normalisation",
         "RMSNormalization": "RMS normalisation", "DepthwiseConv1D": "depthwise convolution",
         "GlobalAveragePooling1D": "mean over all", "GlobalAveragePooling2D": "mean over all",
         "GlobalMaxPooling2D": "maximum over all", "GlobalMaxPooling1D": "maximum over all",
         "STFT": "Fourier transform", "ISTFT": "inverse Fourier transform", "Conv1D": "convolution",
         "Conv2D": "convolution", "MinibatchStd": "spread of the batch"}
VISIBLE = {"STFT", "ISTFT"}  # without weights, but with a box
DISSOLVED = {"Reshape", "Flatten", "GetItem", "Split", "Cast", "Concatenate", "ExpandDims", "Stack", "Pad", "Maximum",
         "Clip", "Minimum", "StopGradient", "ZeroPadding1D", "Cropping1D", "Transpose", "Identity", "Repeat"}
CONSTANT = {"ZerosLike", "FullLike", "OnesLike"}  # with any input
QUESTIONS = {"Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "LogicalAnd", "LogicalOr"}
ACROSS_TIME = {"GRU", "LSTM", "SimpleRNN", "Conv1D", "Conv2D", "DepthwiseConv1D", "taps"}


@dataclass(eq=False, repr=False)
class Box:
    """A box of a diagram.

    kind: the class of its layer; "input", "output", "+" for a sum, "arithmetic", "taps" for a dilated convolution,
    "network" for a model in a model. title, name: its text, and its name in the model. shape: of its output, without
    the batch. weights: dict of layer id -> number. inputs: list of Box. notes: operations that directly follow. traits:
    dict of properties that may differ among copies, each a list. count: number of copies that it represents. block: the
    fold to which it belongs, 0 for none. next: the box of the next copy that reads it, or None. fans: dict of box id ->
    number of copies of an input that it reads, if there are several.
    """

    kind: str
    title: str
    name: str = ""
    shape: tuple = ()
    weights: dict = field(default_factory=dict)
    inputs: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    traits: dict = field(default_factory=dict)
    count: int = 1
    block: int = 0
    next: object = None
    fans: dict = field(default_factory=dict)

    @property
    def across_time(self):
        return self.kind in ACROSS_TIME


@dataclass
class _Value:
    """A tensor: its boxes, the operations since, how far it was moved in time, and whether it is a mask."""

    boxes: list
    done: Counter
    pad: int = 0
    offsets: tuple = (0,)
    mask: bool = False


def read(model, graph=None):
    """Convert a model to boxes.

    Args: model: keras.Model. graph: the result of `nets.graphs.of`, for a network that is a class.
    Returns: (list of Box, each after those that it reads; bool, whether the arrows are known). If they are not, the
        boxes are the layers in order of construction.
    Raises: ValueError for a model without layers.
    Notebook: 02, 03 and 04, where `diagrams.network` draws them.
    """
    if not getattr(model, "layers", None):
        raise ValueError(f"{model!r} has no layers: pass a keras.Model that is built")
    graph = graph or model
    if not hasattr(graph, "operations"):
        return [_layer(layer, ()) for layer in model.layers if layer.weights], False
    boxes = _dissolve(graph)
    boxes = folds.ordered(folds.merge_twins(folds.merge_followers(folds.merge_sums(boxes))))
    for number in range(1, 9):
        boxes, found = folds.fold(boxes, number)
        if not found:
            break
    for number, box in enumerate([box for box in boxes if box.kind == "arithmetic"]):
        box.name = f"arithmetic_{number}" if number else "arithmetic"
    return folds.split_inputs(boxes), True


def _nodes(graph):
    """The calls that lead to the outputs, each after those that it needs: (operation, call, name)."""
    start = [tensor._keras_history for tensor in graph.outputs]
    stack, seen, found = [(key[0], key[1], False) for key in reversed(start)], set(), []
    while stack:
        operation, index, ready = stack.pop()
        key = id(operation), index
        if ready:
            found.append((key, operation, operation._inbound_nodes[index]))
        elif key not in seen:
            seen.add(key)
            stack.append((operation, index, True))
            stack += [(*tensor._keras_history[:2], False)
                      for tensor in reversed(operation._inbound_nodes[index].input_tensors)]
    return found


def _dissolve(graph):
    """Make boxes for layers with weights and for joins; other operations become part of the way between two boxes."""
    values, boxes = {}, []
    for key, operation, node in _nodes(graph):
        kind = type(operation).__name__
        parts = [values[id(tensor._keras_history[0]), tensor._keras_history[1]] for tensor in node.input_tensors]
        parts = [] if kind in CONSTANT else parts
        if kind in ("Multiply", "Where"):  # a masked tensor still counts as the same
            parts = [part for part in parts if not part.mask] or parts
        value = _Value(folds.unique(box for part in parts for box in part.boxes), Counter())
        for part in parts:
            value.done |= part.done
        box = _box_of(operation, kind, node, parts, value)
        if box:
            boxes.append(box)
            value = _Value([box], Counter())
        elif kind in DISSOLVED or kind in ("Multiply", "Where", "Add") and len(parts) < 2:
            _move(value, operation, kind, node, parts)
        else:
            value.done[kind] += 1
            value.mask = kind in QUESTIONS
        values[key] = value
    for number, tensor in enumerate(graph.outputs):
        value, shape = values[id(tensor._keras_history[0]), tensor._keras_history[1]], tuple(tensor.shape)[1:]
        ends = value.boxes
        if value.done:
            boxes.append(Box("arithmetic", "arithmetic", "arithmetic", shape, inputs=ends,
                             notes=list(map(_spaced, value.done))))
            ends = [boxes[-1]]
        name = f"output_{number}" if number else "output"
        boxes.append(Box("output", "output", name, shape, inputs=ends))
    return folds.needed(boxes)


def _box_of(operation, kind, node, parts, value):
    """The box of a call, or None if it has no box."""
    shape = tuple(node.output_tensors[0].shape)[1:]
    if kind == "InputLayer":
        name = "" if re.fullmatch(r"(input_layer|keras_tensor)(_\d+)?", operation.name) else operation.name
        return Box("input", name or "input", operation.name, shape)
    own = not type(operation).__module__.startswith("keras") and hasattr(operation, "weights")
    if getattr(operation, "weights", None) or kind in VISIBLE or own or "Global" in kind:
        box = _layer(operation, shape)
        box.inputs = value.boxes
        offsets = max((part.offsets for part in parts), key=len)
        if kind == "Dense" and len(offsets) > 1:
            box.kind, box.title = "taps", "dilated convolution"
            box.traits = {"taps": [len(offsets)], "dilation": [offsets[1] - offsets[0]], "ahead": [offsets[-1]],
                          "back": [-offsets[0]]}
        return box
    known = [part for part in parts if part.boxes]
    if kind == "Add" and len(known) > 1 and len(value.boxes) > 1 and not value.done:
        return Box("+", "+", shape=shape, inputs=value.boxes)
    if kind == "Multiply" and [box.title for box in value.boxes] == ["tanh", "sigmoid"] and (
            value.boxes[0].inputs == value.boxes[1].inputs):
        return Box("follower", "gate: tanh × sigmoid", shape=shape, inputs=value.boxes[0].inputs)
    if len(value.boxes) == 1 and (kind in ACTIVATIONS or kind.startswith("UpSampling") or "Dropout" in kind):
        title = ACTIVATIONS.get(kind, "")
        if kind.startswith("UpSampling"):
            title = f"upsampling × {operation.size}"
        elif "Dropout" in kind and operation.rate:
            title = f"dropout {operation.rate:g}"
        return Box("follower", title, shape=shape, inputs=value.boxes)
    if kind in ("Add", "Subtract", "Multiply") and any(part.boxes != value.boxes for part in known) and any(
            box.kind != "input" for box in value.boxes):
        return Box("arithmetic", "arithmetic", "arithmetic", shape, inputs=value.boxes,
                   notes=list(map(_spaced, [*value.done, kind])))
    return None


def _layer(layer, shape):
    """The box of a layer, without its inputs."""
    kind, traits = type(layer).__name__, {}
    title = TITLES.get(kind) or (kind if kind in ("Dense", "GRU", "LSTM", "Embedding") else _spaced(kind))
    if hasattr(layer, "operations"):
        kind, title = "network", f"network of {sum(bool(each.weights) for each in layer.layers)} layers"
    if hasattr(layer, "kernel_size"):
        traits = {name: [" × ".join(map(str, sizes)) if len(set(sizes)) > 1 or name == "kernel" else sizes[0]]
                  for name, sizes in (("kernel", layer.kernel_size), ("stride", layer.strides),
                                      ("dilation", layer.dilation_rate))}
    usual = kind in ("GRU", "LSTM", "network")  # whose activation is not shown
    notes = [ACTIVATIONS[layer.activation.__name__]] if not usual and getattr(
        getattr(layer, "activation", None), "__name__", "") in ACTIVATIONS else []
    name = "" if re.fullmatch(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(layer).__name__).lower().replace("_", "_?")
                              + r"(_\d+)?", layer.name) or re.match(r"(conv\dd|gru|lstm|depthwise_conv1d|re_lu|"
                              r"[a-z_]*normalization)(_\d+)?$", layer.name) else layer.name
    weights = {id(layer): layer.count_params()} if getattr(layer, "weights", None) else {}
    return Box(kind, title, name, shape, weights, notes=notes, traits=traits)


def _move(value, operation, kind, node, parts):
    """Follow how far an operation without weights moves its input in time: reading several places makes taps."""
    value.mask = bool(parts) and all(part.mask for part in parts)
    if kind == "Concatenate":
        moved = [part for part in parts if part.boxes and any(
            other.boxes == part.boxes and other.offsets != part.offsets for other in parts)]
        value.offsets = tuple(sorted({step for part in moved for step in part.offsets})) or (0,)
    elif len(parts) == 1:
        value.pad, value.offsets = parts[0].pad, parts[0].offsets
        if kind == "ZeroPadding1D":
            value.pad = operation.padding[0]
        elif kind == "Pad" and len(operation.pad_width) > 1:
            value.pad = operation.pad_width[1][0]
            value.offsets = (-value.pad,)
        elif kind == "Cropping1D":
            value.offsets = (operation.cropping[0] - value.pad,)
        elif kind == "GetItem" and isinstance(node.arguments.args[1], tuple):
            first, *cut = node.arguments.args[1][:2]
            if first is not Ellipsis and cut and isinstance(cut[0], slice) and isinstance(cut[0].start, int):
                value.offsets = (cut[0].start + value.offsets[0],)
        elif kind in ("Split", "Reshape", "Flatten"):
            value.pad, value.offsets = 0, (0,)


def _spaced(kind):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()
