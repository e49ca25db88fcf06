"""A page of ours is written whole or not at all, shows text as text, and takes a piece as its scripts know it."""

import json
import re

import numpy as np
import pytest
from jinja2 import UndefinedError

from utils.music import piece, voices
from utils.show import pages

TEMPLATE = """<style>{{ source("a.css") }}</style>
<h1>{{ title }}</h1>
<script id="facts">{{ facts | tojson }}</script>
<script>{{ source("a.js", "b.js") }}</script>
"""


@pytest.fixture(autouse=True)
def web(tmp_path, monkeypatch):
    """A folder of templates with one page in it."""
    folder = tmp_path / "web"
    folder.mkdir()
    content = {"page.html": TEMPLATE, "a.css": "a > b {}", "a.js": "const a = 1 < 2;", "b.js": "a && b;"}
    for name, text in content.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(pages, "FOLDER", folder)


def test_a_page_is_one_file_in_which_text_stays_text_and_code_stays_code(tmp_path):
    path = pages.write(tmp_path / "deep" / "index.html", "page.html", title="Bach & <sons>", facts=["</script>"])
    assert [each.name for each in path.parent.iterdir()] == ["index.html"]
    page = path.read_text(encoding="utf-8")
    assert "<h1>Bach &amp; &lt;sons&gt;</h1>" in page and "a > b {}" in page
    assert "const a = 1 < 2;\na && b;" in page and page.count("</script>") == 2


def test_a_page_that_lacks_something_leaves_the_old_one_alone(tmp_path):
    path = pages.write(tmp_path / "out" / "index.html", "page.html", title="Old", facts=[])
    with pytest.raises(UndefinedError, match="title"):
        pages.write(path, "page.html", facts=[])
    assert "Old" in path.read_text(encoding="utf-8") and len(list(path.parent.iterdir())) == 1


def test_a_source_that_is_missing_is_named():
    with pytest.raises(FileNotFoundError, match=re.escape("nothing.js")):
        pages.source("a.js", "nothing.js")


def test_every_file_that_a_page_of_ours_names_is_there(monkeypatch):
    monkeypatch.undo()
    templates = [path.read_text(encoding="utf-8") for path in pages.FOLDER.glob("*.html")]
    calls = [call for template in templates for call in re.findall(r"source\(([^)]*)\)", template)]
    named = {name for call in calls for name in re.findall(r'"([^"]+)"', call)}
    assert all(pages.source(name) for name in named) and "base.css" in named


def test_a_score_is_the_piece_and_survives_json():
    cells = np.array([[72, 48], [72 + voices.HELD, 50]] * 8, np.int16)
    read = piece.blank("duet", cells, (3, 4), 4, "minor", 7)._replace(fermatas=np.array([12, 99], np.int32))
    score = json.loads(json.dumps(pages.score(read, "A duet", 84)))
    np.testing.assert_array_equal(np.array(score["cells"])[:, :2], cells)
    assert (np.array(score.pop("cells"))[:, 2:] == voices.REST).all()
    assert score == {"title": "A duet", "metre": [3, 4], "upbeat": 4, "tonic": 7, "mode": "minor", "tempo": 84,
                     "fermatas": [12]}
