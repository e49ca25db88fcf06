"""What is on the stage belongs together: pieces and recordings, what performers hear, and how they are judged."""

import numpy as np
import pytest

from utils.music import data, midi
from utils.show import plots
from utils.sound import audio, conditioning, stage, tones


@pytest.fixture(scope="module")
def pieces():
    return stage.recorded("test", 1, depth=1.0)


@pytest.fixture(scope="module")
def piano():
    return stage.piano(data.ROOT / "outputs" / "dcnn_teacher" / "piano.npz")


def test_excerpts_are_as_long_as_asked(pieces):
    (notes, wave), = stage.excerpt(pieces, 2)
    assert len(wave) == 2 * audio.SAMPLE_RATE and 0.05 < np.abs(wave).max() <= 1 and len(notes) == len(pieces[0].notes)
    assert stage.excerpt(pieces, 0) == []
    assert len(stage.codes(pieces)[0]) == len(stage.samples(pieces)[0]) == len(pieces[0].wave) + 1


def test_a_part_of_what_is_heard_is_the_part_of_the_whole(pieces, piano):
    notes = pieces[0].notes
    both = (stage.heard_by_student(piano), 1), (stage.heard_by_teacher(piano), tones.NUM_HARMONICS + 1)
    for hears, channels in both:
        features, sound = hears(notes, 16_000)
        assert features.shape == (200, conditioning.NUM_SCORE_FEATURES) and sound.shape == (16_000, channels)
        later = stage.known(hears, pieces)(0, 8_000, 8_000)
        assert np.allclose(later[0], features[100:], atol=1e-5) and np.allclose(later[1], sound[8_000:], atol=1e-4)


def test_the_piano_itself_is_judged_best(pieces, piano):
    heard = stage.excerpt(pieces, 2)
    found = stage.judge(stage.players(piano, heard), heard)
    assert found["the piano itself"]["dB"] == 0 and found["silence"]["recall"] == 0
    assert found["additive piano"]["dB"] < found["sine synthesiser"]["dB"] < found["white noise"]["dB"]


def test_a_note_by_both_pianos_is_much_the_same(piano):
    real, made = stage.one_note(piano)
    assert np.sum((real - made) ** 2) < 0.1 * np.sum(real**2)


def test_the_shortest_piece_is_performed(tmp_path):
    notes = np.array([(0, 4, 60, 90, 0), (4, 8, 62, 90, 0)], midi.NOTE)
    midi.notes_to_midi(notes, tmp_path / "long.mid")
    midi.notes_to_midi(notes[:1], tmp_path / "short.mid")
    played, samples = stage.program(tmp_path.glob("*.mid"), 100, tmp_path / "kept.midi")
    assert len(played) == len(midi.midi_to_notes(tmp_path / "kept.midi")) == 1
    assert samples == round((played["end"].max() + audio.RELEASE_SECONDS) * audio.SAMPLE_RATE)
    assert len(stage.program(tmp_path.glob("long.mid"), 8, tmp_path / "kept.midi")[0]) == 1


def test_a_performance_is_ready_to_be_drawn(pieces):
    written, played, fermatas, tempo = stage.performance(pieces[0].piece)
    assert len(written) == len(played) and tempo == stage.TEMPO and len(fermatas) == len(pieces[0].piece.fermatas)
    assert len(plots.performance(written, played, fermatas, tempo)) == 2


def test_both_sides_of_an_excerpt_are_played_for_critics():
    excerpts = [(None, np.zeros(4, np.float32)), (None, np.ones(2, np.float32))]
    real, made = stage.sides(lambda notes, length: np.full(length, 3.0), excerpts)
    assert [len(wave) for wave in real] == [len(wave) for wave in made] == [4, 2]
    assert all((wave == 1).all() and wave.dtype == np.float32 for wave in made)
