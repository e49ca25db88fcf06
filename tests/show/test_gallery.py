"""The page holds what it plays, asks nothing of a network, and gives no answer away before it is given."""

import base64
import json
import re

import numpy as np
import pytest
import soundfile

from utils.music import midi, piece, voices
from utils.show import gallery
from utils.sound import audio, expression

SECONDS, TEMPO = 2, 120
SECRETS = "a GRU", "a GAN", "leaps about"


def tone(pitch, seconds=3.0, rate=audio.CONCERT_RATE):
    time = np.arange(round(seconds * rate)) / rate
    return (0.2 * np.sin(2 * np.pi * audio.pitch_to_hz(pitch) * time)).astype("float32")


def line(pitch, quarters=8):
    """A tune of so many quarters, as a piece."""
    cells = np.repeat(pitch + np.arange(quarters) % 3, 4).astype(np.int16) + voices.HELD
    cells[::4] -= voices.HELD
    return piece.blank(f"a tune from {pitch}", cells[:, None], (4, 4), 0, "major", 0)


@pytest.fixture(scope="module")
def quiz():
    return [gallery.Guess(model, line(48 + 12 * number), [f"{model} leaps about"])
            for number, model in enumerate(("Bach", "a GRU", "Bach", "a GAN"))]


@pytest.fixture(scope="module")
def clips():
    played = expression.perform(voices.to_notes(line(60).voices), tempo=TEMPO)
    return [gallery.Clip("A <tune>", "temperature 0.8, seed 1", tone(60), line(60), played.clock, TEMPO),
            gallery.Clip("B", "", tone(64, rate=audio.SAMPLE_RATE), sample_rate=audio.SAMPLE_RATE)]


@pytest.fixture(scope="module")
def page(quiz, clips, tmp_path_factory):
    sections = [gallery.Section("Networks & Bach", "They play.", clips[:1], [("chord rate", "0.91")]),
                gallery.Section("Bare", "Only sound.", clips[1:])]
    path = tmp_path_factory.mktemp("page") / "deep" / "index.html"
    gallery.build(path, sections, quiz, "Bach by machine", "Listen.", SECONDS, TEMPO, seed=3)
    return path.read_text(encoding="utf-8")


def inside(page, name):
    """What a script element of the page holds."""
    return re.search(rf'id="{name}">(.*?)</script>', page, re.S)[1]


def test_the_page_holds_every_clip_and_asks_nothing_of_a_network(page):
    sounds = re.findall(r'src="data:audio/mpeg;base64,([^"]+)"', page)
    assert len(sounds) == 2 and all(base64.b64decode(sound) for sound in sounds)
    bare = re.sub(r"[A-Za-z0-9+/=]{200,}", "", page)
    assert set(re.findall(r'(?:src|href)="(?!data:|#)([^"]*)', bare)) == {"play.html"}  # the page's neighbour
    assert not re.findall(r"https?://(?!www\.w3\.org|www\.musicxml\.org)", bare)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert policy.startswith("default-src 'none'") and "connect-src 'none'" in policy and "worker-src 'none'" in policy
    assert "unsafe-eval" not in policy


def test_text_is_escaped(page):
    assert "A &lt;tune&gt;" in page and "Networks &amp; Bach" in page and "<tune>" not in page


def test_a_clip_brings_its_score_and_the_second_of_each_frame(page, clips):
    score, nothing = json.loads(inside(page, "scores"))
    assert nothing is None and score["title"] == "A <tune>" and score["tempo"] == TEMPO
    np.testing.assert_array_equal(np.array(score["cells"])[:, :1], clips[0].piece.voices)
    played = expression.perform(voices.to_notes(clips[0].piece.voices), tempo=TEMPO).notes
    np.testing.assert_allclose(np.array(score["times"])[:-1:4], played["start"], atol=1e-3)  # a tune in quarters
    assert len(score["times"]) == len(score["cells"]) + 1


def test_no_size_tells_the_clips_of_the_quiz_apart(page):
    sounds = json.loads(inside(page, "sounds"))
    assert len(sounds) == 4 and len(set(map(len, sounds))) == 1


def test_the_clips_of_the_quiz_are_equally_long_and_loud(page, tmp_path):
    heard = []
    for number, sound in enumerate(json.loads(inside(page, "sounds"))):
        (tmp_path / f"{number}.mp3").write_bytes(base64.b64decode(sound))
        heard.append(soundfile.read(tmp_path / f"{number}.mp3")[0])
    assert len({len(wave) for wave in heard}) == 1
    loud = [audio.loudness(wave, audio.CONCERT_RATE) for wave in heard]
    np.testing.assert_allclose(loud, audio.LOUDNESS, atol=0.5)


def test_no_answer_no_fact_and_no_score_of_the_quiz_is_in_the_source(page, quiz):
    assert not [secret for secret in SECRETS if secret in page]
    assert not [guess.piece.name for guess in quiz if guess.piece.name in page]
    for coded in re.findall(r"[A-Za-z0-9+/]{80,}={0,2}", page):  # nor as plain base64
        plain = base64.b64decode(coded + "=" * (-len(coded) % 4))
        assert not [secret for secret in SECRETS if secret.encode() in plain]


def test_the_key_of_the_sounds_unlocks_the_answers(page, quiz):
    locked, sounds = inside(page, "locked").strip(), json.loads(inside(page, "sounds"))
    order = np.random.default_rng(3).permutation(4)
    answers = [{"model": quiz[number].model, "facts": quiz[number].facts,
                "score": gallery._score(gallery.quiz_clip(quiz[number].piece, SECONDS, TEMPO))} for number in order]
    assert gallery._lock(answers, sounds) == locked and gallery._lock(answers, sounds[::-1]) != locked


def test_one_seed_makes_one_page_and_bad_clips_are_refused(quiz, tmp_path):
    first, second = (
        gallery.build(tmp_path / f"{name}.html", [], quiz, "t", "t", SECONDS, TEMPO).read_bytes() for name in "ab"
    )
    assert first == second
    silent = gallery.Guess("GRU", piece.of_window("silent", np.zeros((16, 128), np.uint8)))
    for bad, words in (([q for q in quiz if q.model == "Bach"], "both Bach and machines"),
                       ([], "both Bach and machines"), (quiz[:1] + [silent], "silent")):
        with pytest.raises(ValueError, match=words):
            gallery.build(tmp_path / "bad.html", [], bad, "t", "t", SECONDS, TEMPO)
    assert not (tmp_path / "bad.html").exists()
    with pytest.raises(ValueError, match="needs 10 or more"):
        gallery.quiz_clip(line(60), 10, TEMPO)


def test_the_clock_of_a_clip_is_that_of_its_notes():
    clip = gallery.quiz_clip(line(60), SECONDS, TEMPO)
    assert clip.tempo == TEMPO and clip.clock[0][-1] == 8 and len(clip.wave) == SECONDS * audio.CONCERT_RATE
    assert midi.STEPS_PER_QUARTER * clip.clock[0][-1] == len(clip.piece.voices)
