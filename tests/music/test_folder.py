"""A folder of anyone's files: names, places, links and wrong endings."""

import os
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import files
from utils.music import folder, midi

TUNE = midi.notes_to_midi(np.array([(0, 1, 60, 90, 0), (1, 2, 62, 90, 0)], midi.NOTE))
ABC = "X:1\nT:One\nM:4/4\nL:1/4\nK:C\nCDEF|\n\nX:2\nT:Two\nM:4/4\nL:1/4\nK:C\nGABc|\n"


def lay(place, *names):
    for name in names:
        path = place / name if isinstance(name, str) else os.fsencode(place) + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(TUNE)


def found(place):
    return {files.shown(path.relative_to(place)): name for path, name in folder.find(place).items()}


# Laws

NAMES = st.lists(
    st.sampled_from(["a", "b", "a.b", "\u00e9", "e\u0301", "sub/a", "sub/e\u0301", "a (2)", ".a", "_", "a\n"]),
    min_size=1,
    max_size=4,
)


@settings(database=None, deadline=None, max_examples=60)
@given(NAMES, st.lists(st.sampled_from([".mid", ".MID", ".midi", ".xml", ".rmi", ".txt", ""]), min_size=1, max_size=3))
def test_every_file_of_music_is_found_once_in_the_same_order(tmp_path_factory, stems, endings):
    place = tmp_path_factory.mktemp("names")
    lay(place, *{stem + ending for stem in stems for ending in endings})
    named = folder.find(place)
    wanted = {
        path
        for path in place.rglob("*")
        if path.is_file() and path.name[0] != "." and path.suffix.lower() in (".mid", ".midi", ".xml", ".rmi")
    }
    assert set(named) == wanted and len(set(named.values())) == len(named)
    assert list(named) == sorted(named, key=os.fsencode)
    for name in named.values():
        assert name == files.shown(name) and name.encode("utf-8")


# Values worked by hand


def test_names_by_hand(tmp_path):
    lay(
        tmp_path,
        "plain.mid",
        "a.mid",
        "a.midi",
        "sub/a.mid",
        "sub/deep/B.MID",
        "e\u0301.mid",
        "two.dots.kar",
        "\u00e9.rmi",
    )
    assert found(tmp_path) == {
        "plain.mid": "plain",
        "a.mid": "a.mid",
        "a.midi": "a.midi",
        "sub/a.mid": "sub/a",
        "sub/deep/B.MID": "sub/deep/B",
        "\u00e9.mid": "\u00e9.mid",
        "two.dots.kar": "two.dots",
        "\u00e9.rmi": "\u00e9.rmi",
    }


def test_two_files_of_one_name_in_two_spellings_are_numbered(tmp_path):
    lay(tmp_path, "e\u0301.mid", "\u00e9.mid")
    if len(os.listdir(tmp_path)) == 1:
        pytest.skip("this disk takes both spellings for one name")
    assert sorted(folder.find(tmp_path).values()) == ["\u00e9.mid", "\u00e9.mid (2)"]


def test_what_is_hidden_or_no_music_is_passed_over(tmp_path):
    lay(
        tmp_path,
        ".hidden.mid",
        ".git/a.mid",
        "__MACOSX/a.mid",
        "._a.mid",
        "a.txt",
        "mid",
        "a.mid.part",
        "x.mid/inside.mid",
    )
    assert found(tmp_path) == {"x.mid/inside.mid": "x.mid/inside"}


def test_names_that_are_no_unicode_can_be_shown_and_read(tmp_path):
    try:
        lay(tmp_path, b"bad\xff.mid")
    except OSError:
        pytest.skip("this disk takes Unicode names only")
    ((path, name),) = folder.find(tmp_path).items()
    assert name == "bad\ufffd" and len(folder.read(path)[0][0]) == 2
    path.write_bytes(b"")
    with pytest.raises(midi.MidiError, match="bad\ufffd.mid: it is empty"):
        folder.read(path)


def test_links_that_lead_nowhere_or_in_a_circle(tmp_path):
    lay(tmp_path, "a.mid")
    for name, target in [("link.mid", "a.mid"), ("broken.mid", "nothing.mid"), ("self.mid", "self.mid"), ("loop", ".")]:
        os.symlink(target, tmp_path / name)
    named = folder.find(tmp_path)
    assert sorted(named.values()) == ["a", "broken", "link", "self"]
    for path, name in named.items():
        if name in ("broken", "self"):
            with pytest.raises(midi.MidiError, match=f"{name}.mid: it cannot be opened"):
                folder.read(path)
        else:
            assert len(folder.read(path)[0][0]) == 2


def test_endings_that_lie(tmp_path):
    with zipfile.ZipFile(tmp_path / "score.mid", "w") as archive:
        archive.writestr("a.xml", "<score-partwise/>")
    with pytest.raises(midi.MidiError, match="no notes|cannot be read as a score"):
        folder.read(tmp_path / "score.mid")
    for name in ("tune.xml", "tune.mxl", "tune.krn", "tune.abc", "tune.mid"):
        lay(tmp_path, name)
        ((notes, _),) = folder.read(tmp_path / name)
        assert notes["pitch"].tolist() == [60, 62]


def test_a_file_of_tunes_is_several_pieces(tmp_path):
    (tmp_path / "tunes.abc").write_text(ABC)
    assert [notes["pitch"].tolist() for notes, _ in folder.read(tmp_path / "tunes.abc")] == [
        [60, 62, 64, 65],
        [67, 69, 71, 72],
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mid")
    with pytest.raises(midi.MidiError, match="pipe.mid: it is not a file; "):
        folder.read(tmp_path / "pipe.mid")
