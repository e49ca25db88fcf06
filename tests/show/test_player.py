"""The player: what is heard lies beside it as files, and nothing of Bach's is passed on whole."""

import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from utils.music import midi
from utils.show import player
from utils.sound import audio

MINUTE = np.array([(start, start + 1, 60 + start % 12, 90, 0) for start in range(120)], midi.NOTE)


def test_a_piece_is_written_whole_and_played_in_part(tmp_path):
    html = player.listen(MINUTE, tmp_path / "new" / "piece", tempo=120, title="A scale", depth=0).data
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["piece.mid", "piece.mp3"]
    wave, rate = audio.read(tmp_path / "new" / "piece.mp3")
    assert rate == audio.CONCERT_RATE and len(wave) / rate == pytest.approx(61 + audio.HALL_SECONDS, abs=0.2)
    assert np.array_equal(midi.midi_to_notes(tmp_path / "new" / "piece.mid"), MINUTE)
    assert "A scale" in html and "piece.mid" in html and len(html) < 150_000
    assert len(player.listen(MINUTE, tmp_path / "new" / "piece", seconds=5).data) < len(html) / 2


def test_a_shipped_recording_has_a_player_and_its_links(tmp_path):
    player.listen(MINUTE, tmp_path / "piece", tempo=120)
    html = player.shipped(tmp_path / "piece.mp3", "Shipped", seconds=3).data
    assert "Shipped" in html and html.count("<a href") == 2 and "piece.mid" in html and len(html) < 60_000
    (tmp_path / "piece.mid").unlink()
    assert player.shipped(tmp_path / "piece.mp3").data.count("<a href") == 1
    with pytest.raises(ValueError, match="nothing"):
        player.shipped(tmp_path / "nothing.mp3")


def test_windows_are_played_one_after_another(tmp_path):
    window = np.zeros((16, 128), np.uint8)
    window[0, 60], window[1:, 60] = 1, 2
    player.windows(np.stack([window] * 5), tmp_path / "three")
    notes = midi.midi_to_notes(tmp_path / "three.mid")
    assert notes["start"].tolist() == [0, 4, 8] and notes["end"][-1] == 12


def test_what_is_not_ours_is_cut(tmp_path):
    player.listen(MINUTE, tmp_path / "bach", share=False)
    assert [file.name for file in tmp_path.iterdir()] == ["bach.mp3"]
    wave, rate = audio.read(tmp_path / "bach.mp3")
    assert len(wave) / rate <= player.EXCERPT_SECONDS + 0.2


def test_an_excerpt_fades_out_and_a_short_wave_stays():
    wave = np.ones(20 * audio.SAMPLE_RATE, "float32")
    cut = player.excerpt(wave, 10)
    assert len(cut) == 10 * audio.SAMPLE_RATE and cut[-1] == 0 and cut[0] == 1 and wave[-1] == 1
    assert player.excerpt(cut, 10) is cut


def test_links_are_relative_to_the_folder_of_the_notebook_that_runs(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    html = player.listen(MINUTE[:8], tmp_path / "outputs" / "my run" / "piece #1").data
    found = [unquote(link) for link in re.findall('href="(.*?)"', html)]
    assert found == ["../outputs/my run/piece #1.mp3", "../outputs/my run/piece #1.mid"]
    assert all(Path(link).is_file() for link in found) and "#" not in "".join(re.findall('href="(.*?)"', html))


def test_a_title_is_text(tmp_path):
    assert "A &lt;fugue&gt; &amp; more" in player.listen(MINUTE[:8], tmp_path / "piece", title="A <fugue> & more").data


def test_silence_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no notes"):
        player.listen(MINUTE[:0], tmp_path / "silence")
