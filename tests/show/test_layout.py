"""Boxes do not touch, lines keep clear of boxes, frames hold their block and nothing else."""

from itertools import combinations

import pytest

from tests import diagrams as drawn
from utils.show import graph, layout


def corners(item):
    return item.x - item.width / 2, item.y - item.height / 2, item.x + item.width / 2, item.y + item.height / 2


def apart(one, other):
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@pytest.fixture(params=drawn.BUILDERS)
def placed(request):
    boxes, known = graph.read(*drawn.built(request.param))
    return boxes, *layout.place(boxes, lambda box: (22, 22) if box.kind == "+" else (150, 40), known)


def test_no_box_is_on_another_and_none_on_a_line(placed):
    _, items, ways, _, _ = placed
    assert all(apart(corners(one), corners(other)) for one, other in combinations(items.values(), 2))
    lines = {id(item): item for way in ways for item in way[1:-1]}.values()
    assert all(abs(line.x - item.x) >= item.width / 2 for line in lines for item in items.values()
               if line.row == item.row)


def test_ways_lead_down_row_by_row(placed):
    _, items, ways, _, _ = placed
    assert all([item.row for item in way] == list(range(way[0].row, way[-1].row + 1)) for way in ways)
    assert all(one.y + one.height / 2 < other.y - other.height / 2 for way in ways for one, other in zip(way, way[1:])
               if one.box and other.box)


def test_a_frame_holds_its_block_and_nothing_else(placed):
    boxes, items, _, frames, (width, height) = placed
    assert set(frames) == {box.block for box in boxes if box.block}
    for block, frame in frames.items():
        assert 0 < frame[0] < frame[2] < width and 0 < frame[1] < frame[3] < height
        assert all(apart(corners(items[id(box)]), frame) == (box.block != block) for box in boxes)


def test_numbers_are_spread_in_order_and_near():
    assert layout.spread([0, 0, 0], [2, 2]) == [-2, 0, 2] and layout.spread([0, 10], [2]) == [0, 10]
    assert layout.spread([5], []) == [5]
