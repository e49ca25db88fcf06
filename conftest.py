"""The order of all tests, units and notebooks: what takes longest comes first, so that no worker ends alone with it."""

from functools import cache

import nbformat

SECONDS = {"test_notebooks.py": 250}  # of test files that run notebooks; all others are short
UNKNOWN = 100  # of a notebook that does not say


@cache
def seconds(path):
    """About how long the tests of one file take; a notebook says so itself, as `make release` saved it."""
    if path.suffix != ".ipynb":
        return SECONDS.get(path.name, 0)
    return sum(cell.metadata.get("seconds", 0) for cell in nbformat.read(path, as_version=4).cells) or UNKNOWN


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: -seconds(item.path))  # a stable sort: within a file all stays in order
