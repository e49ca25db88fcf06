"""The page holds what it plays, asks nothing of a network, and gives no answer away before it is given."""

import base64
import json
import re

import numpy as np
import pytest
import soundfile

from utils.music import midi
from utils.show import gallery
from utils.sound import audio

SECONDS, TEMPO = 2, 120


def tone(pitch, seconds=3.0, loudness=0.2, rate=audio.CONCERT_RATE):
    time = np.arange(round(seconds * rate)) / rate
    return (loudness * np.sin(2 * np.pi * audio.pitch_to_hz(pitch) * time)).astype("float32")


def line(pitch, quarters=8):
    """A tune of so many quarters."""
    return np.array([(at, at + 1, pitch + at % 3, 90, 0) for at in range(quarters)], midi.NOTE)


@pytest.fixture(scope="module")
def quiz():
    return [
        (model, line(48 + 12 * number))
        for number, model in enumerate(("Bach", "a GRU", "Bach", "a GAN"))
    ]


@pytest.fixture(scope="module")
def page(quiz, tmp_path_factory):
    roll = np.zeros((32, 128), np.uint8)
    roll[:16, 60], roll[0, 60] = 2, 1
    clip = gallery.Clip("A <note>", "temperature 0.8, seed 1", tone(60), roll, "<svg></svg>")
    sections = [gallery.Section("Networks & Bach", "They play.", [clip], [("chord rate", "0.91")]),
                gallery.Section("Bare", "Only sound.", [
                    gallery.Clip("B", "", tone(64, rate=audio.SAMPLE_RATE), sample_rate=audio.SAMPLE_RATE)])]
    path = gallery.build(
        tmp_path_factory.mktemp("page") / "deep" / "index.html",
        sections,
        quiz,
        "Bach by machine",
        "Listen.",
        SECONDS,
        TEMPO,
        seed=3,
    )
    return path.read_text(encoding="utf-8")


def test_the_page_holds_every_clip_and_asks_nothing_of_a_network(page):
    sounds = re.findall(r'src="data:audio/mpeg;base64,([^"]+)"', page)
    assert len(sounds) == 2 and all(base64.b64decode(sound) for sound in sounds)
    bare = re.sub(r"[A-Za-z0-9+/=]{200,}", "", page)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', bare) and not re.findall(r"https?://(?!www\.w3\.org)", bare)
    assert "default-src 'none'" in page


def test_text_is_escaped_and_pictures_are_drawn(page):
    assert "A &lt;note&gt;" in page and "Networks &amp; Bach" in page and "<note>" not in page
    assert page.count('class="roll"') == 1 and "<svg></svg>" in page


def clips_of(page):
    return json.loads(re.search(r'id="clips">(.*?)</script>', page, re.S)[1])


def test_no_size_tells_the_clips_of_the_quiz_apart(page):
    sizes = {len(clip) for clip in clips_of(page)}
    assert len(clips_of(page)) == 4 and len(sizes) == 1


def test_the_clips_of_the_quiz_are_equally_long_and_loud(page, tmp_path):
    heard = []
    for number, clip in enumerate(clips_of(page)):
        (tmp_path / f"{number}.mp3").write_bytes(base64.b64decode(clip))
        heard.append(soundfile.read(tmp_path / f"{number}.mp3")[0])
    assert len({len(wave) for wave in heard}) == 1
    loud = [audio.loudness(wave, audio.CONCERT_RATE) for wave in heard]
    np.testing.assert_allclose(loud, audio.LOUDNESS, atol=0.5)


def test_no_answer_stands_in_the_source_and_the_key_of_the_clips_unlocks_them(page, quiz):
    script = page[page.index('id="clips"'):]
    assert "a GRU" not in script and "a GAN" not in script
    locked, clips = base64.b64decode(re.search(r'locked = "([^"]+)"', page)[1]), clips_of(page)
    again = base64.b64decode(gallery._lock([""] * 0, clips))  # the same key hides another text
    assert locked[:1] == again[:1]  # both begin with a bracket
    plain = json.dumps([quiz[number][0] for number in np.random.default_rng(3).permutation(4)])
    assert base64.b64decode(gallery._lock(json.loads(plain), clips)) == locked
    assert base64.b64decode(gallery._lock(json.loads(plain), clips[::-1])) != locked


def test_one_seed_makes_one_page_and_bad_clips_are_refused(quiz, tmp_path):
    first, second = (
        gallery.build(tmp_path / f"{name}.html", [], quiz, "t", "t", SECONDS, TEMPO).read_bytes() for name in "ab"
    )
    assert first == second
    for bad, words in (([q for q in quiz if q[0] == "Bach"], "both Bach and machines"), ([], "both Bach and machines"),
                       (quiz[:1] + [("GRU", line(60)[:0])], "silent")):
        with pytest.raises(ValueError, match=words):
            gallery.build(tmp_path / "bad.html", [], bad, "t", "t", SECONDS, TEMPO)
    assert not (tmp_path / "bad.html").exists()
    with pytest.raises(ValueError, match="needs 10 or more"):
        gallery.quiz_clip(line(60), 10, TEMPO)


def test_a_silent_roll_has_no_picture():
    assert gallery.roll_svg(np.zeros((16, 128), np.uint8)) == ""
