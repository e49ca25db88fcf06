"""The export keeps what music21's own MIDI writer loses: upbeat, fermatas, parts; and can be interrupted."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from music21 import converter

from utils.music import corpus, keys, midi, notation


@pytest.fixture(scope="module")
def scores():
    return corpus.scores()


def exported(scores, name, folder):
    notes, meta = notation.score_to_notes(converter.parse(scores[name], forceSource=True))
    midi.notes_to_midi(notes, folder / name, meta._replace(score=scores[name].name))
    return midi.read_midi(folder / name)


def test_every_score_is_listed_once_and_no_analysis(scores):
    assert len(scores) == 413 and all(path.suffix in (".mxl", ".xml", ".krn") for path in scores.values())


def test_a_home_called_bach_adds_no_other_composer(scores, monkeypatch):
    import music21

    mine = [music21.corpus.__path__[0] + "/bach/x/corpus/bach/bwv1.6.mxl", "home/bach/corpus/chopin/mazurka06-2.krn"]
    monkeypatch.setattr(music21.corpus, "getComposer", lambda name: mine)
    assert list(corpus.scores()) == ["bwv1.6.mid"]


def test_a_chorale_by_hand(scores, tmp_path):
    notes, meta = exported(scores, "bwv66.6.mid", tmp_path)
    assert meta.part_names == ("Soprano", "Alto", "Tenor", "Bass") and meta.key_signatures[0][1] in ("A", "F#m")
    assert midi.upbeat_quarters(meta) == 1 and midi.main_metre(meta) == (4, 4)
    soprano = notes[notes["part"] == 0]
    assert soprano["pitch"][:5].tolist() == [73, 71, 69, 71, 73] and soprano["start"][:5].tolist() == [0, .5, 1, 2, 3]
    assert meta.fermatas[0] == 3 and meta.markers == ()  # c sharp, the first phrase's last note
    assert meta.score == "bwv66.6.mxl" and keys.name(*keys.find(notes)) == "F# minor"


def test_ties_are_joined_and_music21_reads_the_same_notes(scores, tmp_path):
    notes, _ = exported(scores, "bwv269.mid", tmp_path)
    score = converter.parse(scores["bwv269.mid"], forceSource=True).stripTies()
    wanted = sorted(
        (float(n.getOffsetInHierarchy(score)), n.pitch.midi, float(n.quarterLength)) for n in score.recurse().notes
    )
    found = sorted(zip(notes["start"].tolist(), notes["pitch"].tolist(), (notes["end"] - notes["start"]).tolist()))
    assert np.allclose(wanted, found)


def test_an_interrupted_export_goes_on(scores, tmp_path, monkeypatch):
    few = dict(list(scores.items())[:3])
    monkeypatch.setattr(corpus, "scores", lambda: few)
    with ThreadPoolExecutor(1) as executor:
        assert corpus.export(tmp_path, executor) == 3
        first, second, third = (tmp_path / name for name in few)
        kept = first.stat().st_mtime_ns
        second.unlink()
        assert corpus.export(tmp_path, executor) == 1
        assert first.stat().st_mtime_ns == kept and sorted(tmp_path.iterdir()) == [first, second, third]
        assert corpus.export(tmp_path, executor) == 0
        third.write_bytes(b"MThd....\xff\x06\x0bkey G minor")  # as an earlier version began
        assert corpus.export(tmp_path, executor) == 1 and midi.read_midi(third)[1].score == few[third.name].name


def test_a_file_of_the_users_is_never_written_over(scores, tmp_path, monkeypatch):
    few = dict(list(scores.items())[:2])
    monkeypatch.setattr(corpus, "scores", lambda: few)
    mine = tmp_path / list(few)[1]
    for data in (midi.notes_to_midi([(0, 1, 60, 90, 0)], meta=midi.Meta(markers=((0, "key"),))), b"", b"no music"):
        mine.write_bytes(data)
        with pytest.raises(ValueError, match="is not what this project exports .*: give it another name"):
            corpus.export(tmp_path)
        assert mine.read_bytes() == data and list(tmp_path.iterdir()) == [mine]
