import math
import sys

import numpy as np
import pytest
import soundfile

from utils.music import midi
from utils.sound import audio

CADENCE = [(72, 67, 64, 48), (72, 69, 65, 53), (71, 67, 62, 55), (72, 67, 64, 48)]  # I IV V I, S A T B


def make_notes(*rows):
    """Rows of (start, end, pitch, part)."""
    return np.array([(start, end, pitch, midi.VELOCITY, part) for start, end, pitch, part in rows], midi.NOTE)


@pytest.fixture(scope="module")
def chorale():
    """Eight bars of quarters in four parts."""
    return make_notes(*((beat, beat + 1, pitch, part)
                        for beat, chord in enumerate(CADENCE * 8) for part, pitch in enumerate(chord)))


@pytest.fixture(scope="module", params=[audio.render, audio.render_sine])
def player(request):
    return request.param


def rms(wave):
    return float(np.sqrt(np.mean(wave**2)))


def energy_at(wave, pitch):
    """Share of the energy within half a semitone of a pitch's first eight harmonics (a low C is loudest at its 7th)."""
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
    hz = np.fft.rfftfreq(len(wave), 1 / audio.SAMPLE_RATE)
    harmonics = audio.pitch_to_hz(pitch) * np.arange(1, 9)[:, None]
    return power[(np.abs(hz / harmonics - 1) < 0.029).any(axis=0)].sum() / power.sum()


def test_render_lasts_as_long_as_the_notes_and_one_second(player):
    notes = make_notes((0, 1.3, 60, 0), (0.5, 1, 64, 1))
    for sample_rate, tempo in ((16_000, 120), (22_050, 97), (8_000, 60)):
        wave = player(notes, sample_rate, tempo)
        assert wave.shape == (round((1.3 * 60 / tempo + 1) * sample_rate),) and wave.dtype == np.float32


def test_render_is_at_the_level_that_the_models_train_on(player, chorale):
    wave = player(chorale)
    assert 0.06 < rms(wave) < 0.09
    assert np.abs(wave).max() < 0.7


def test_render_plays_every_note_equally_loud_and_leaves_its_input_alone(player, chorale):
    soft = chorale.copy()
    soft["velocity"] = 10
    before = soft.copy()
    np.testing.assert_array_equal(player(soft), player(chorale))
    np.testing.assert_array_equal(soft, before)


@pytest.mark.parametrize("pitch", [48, 60, 69, 84])
def test_render_plays_the_pitch_asked_for(player, pitch):
    wave = player(make_notes((0, 2, pitch, 0)))
    assert energy_at(wave, pitch) > 0.9 > 0.1 > max(energy_at(wave, pitch - 1), energy_at(wave, pitch + 1))


def test_render_starts_a_note_on_time(player):
    wave = player(make_notes((2, 3, 60, 0)))  # one second of silence first
    assert rms(wave[:15_900]) < 1e-3 < 0.01 < rms(wave[16_000:17_600])


def test_render_of_a_crowd_does_not_clip(player):
    wave = player(make_notes(*((0, 4, pitch, pitch % 4) for pitch in range(36, 96))))
    assert 0.99 < np.abs(wave).max() <= 1


def test_render_refuses_silence_and_says_so(player):
    with pytest.raises(ValueError, match="silent"):
        player(np.zeros(0, midi.NOTE))
    with pytest.raises(ValueError, match="must be positive"):
        player(make_notes((0, 1, 60, 0)), tempo=0)


def test_render_without_the_wheel_warns_and_plays_sines(monkeypatch, chorale):
    monkeypatch.setitem(sys.modules, "midirenderer", None)
    with pytest.warns(UserWarning, match="pip install midirenderer"):
        wave = audio.render(chorale)
    np.testing.assert_array_equal(wave, audio.render_sine(chorale))


def test_pitch_to_hz():
    np.testing.assert_allclose(audio.pitch_to_hz([69, 81, 60]), [440, 880, 261.6256], rtol=1e-6)


def test_mu_law_codes_survive_a_round_trip():
    codes = np.arange(256, dtype="uint8")
    np.testing.assert_array_equal(audio.mu_law_encode(audio.mu_law_decode(codes)), codes)


def test_mu_law_error_is_bounded():
    wave = np.linspace(-1, 1, 100_001)
    error = np.abs(audio.mu_law_decode(audio.mu_law_encode(wave)) - wave)
    bound = (np.abs(wave) + 1 / 255) * (256 ** (1 / 255) - 1)
    assert np.all(error <= bound * (1 + 1e-5))
    assert np.all(np.diff(audio.mu_law_encode(wave).astype(int)) >= 0)


def test_mu_law_by_hand():
    # ln(1 + 255 / 2) / ln 256 = .8757; (.8757 + 1) / 2 * 255 = 239.15
    codes = audio.mu_law_encode(np.array([-1, -0.5, 0, 0.5, 1]))
    assert codes.tolist() == [0, 16, 128, 239, 255] and codes.dtype == np.uint8
    # y = 2 * 239 / 255 - 1 = .8745; (256 ** .8745 - 1) / 255 = .4967
    assert audio.mu_law_decode([239])[0] == pytest.approx((256 ** (223 / 255) - 1) / 255, rel=1e-6)
    assert audio.mu_law_decode([0, 255]).tolist() == [-1, 1]
    assert abs(audio.mu_law_decode([128])[0]) < 1e-4


def test_mu_law_is_the_curve_of_g711():
    """The eight straight chords of the telephone's law end on the curve: at (2^k - 1) / 255, k / 8 of the way up."""
    ends = (2.0 ** np.arange(9) - 1) / 255
    np.testing.assert_array_equal(audio.mu_law_encode(ends), np.floor((np.arange(9) / 8 + 1) / 2 * 255 + 0.5))


@pytest.mark.parametrize("bad", [np.nan, 1.01, -np.inf])
def test_mu_law_refuses_what_is_no_wave(bad):
    with pytest.raises(ValueError, match="divide it by its peak"):
        audio.mu_law_encode(np.array([0, bad]))


def test_mu_law_refuses_foreign_codes():
    with pytest.raises(ValueError, match="0 to 255"):
        audio.mu_law_decode([256])


@pytest.mark.parametrize("suffix, floor", [(".wav", 1e-4), (".mp3", 0.01), (".ogg", 0.01)])
def test_files_survive_a_round_trip(tmp_path, chorale, suffix, floor):
    wave = audio.render(chorale[:32])
    audio.write(tmp_path / f"cadence{suffix}", wave)
    again, sample_rate = audio.read(tmp_path / f"cadence{suffix}")
    assert sample_rate == 16_000 and again.dtype == np.float32
    assert again.shape == wave.shape and rms(again - wave) < floor
    assert [path.name for path in tmp_path.iterdir()] == [f"cadence{suffix}"]  # no temporary file stays


def test_a_long_piece_fits_into_an_ogg(tmp_path):
    wave = np.zeros(16_000 * 600, "float32")
    audio.write(tmp_path / "long.ogg", wave)
    assert soundfile.info(tmp_path / "long.ogg").frames == len(wave)


def test_read_mixes_and_resamples(tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    soundfile.write(tmp_path / "stereo.wav", np.stack([tone, np.zeros_like(tone)], axis=1), 48_000)
    wave, sample_rate = audio.read(tmp_path / "stereo.wav", sample_rate=16_000)
    assert sample_rate == 16_000 and wave.shape == (16_000,)
    assert rms(wave) == pytest.approx(0.5 / math.sqrt(2), rel=0.01)


@pytest.mark.parametrize("wave", [[], [0, np.nan], [0, 1.5], [[0, 0, 0]]])
def test_write_refuses_what_is_no_wave(tmp_path, wave):
    with pytest.raises(ValueError, match="not empty, without NaN, within"):
        audio.write(tmp_path / "bad.wav", np.array(wave))


def test_write_names_the_remedy(tmp_path):
    with pytest.raises(ValueError, match=r"Use one of \.wav, \.mp3, \.ogg"):
        audio.write(tmp_path / "tone.aac", np.zeros(9))
    with pytest.raises(ValueError, match="folder"):
        audio.write(tmp_path / "nowhere" / "tone.wav", np.zeros(9))
    with pytest.raises(ValueError, match="12345 Hz"):
        audio.write(tmp_path / "tone.mp3", np.zeros(9), 12_345)
    assert not list(tmp_path.iterdir())


def test_read_refuses_what_is_no_sound(tmp_path):
    broken = {"missing.wav": None, "empty.wav": b"", "text.mp3": b"hello" * 100, "cut.wav": b"RIFF\0\0\0\0WAVE"}
    for name, content in broken.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="Check the name, or export it again"):
            audio.read(tmp_path / name)
    soundfile.write(tmp_path / "long.flac", np.zeros(3_601 * 8), 8)
    with pytest.raises(ValueError, match="more than an hour"):
        audio.read(tmp_path / "long.flac")
    soundfile.write(tmp_path / "silent.wav", np.zeros(0), 16_000)
    soundfile.write(tmp_path / "nan.wav", np.array([0, np.nan]), 16_000, "FLOAT")
    for name in ("silent.wav", "nan.wav"):
        with pytest.raises(ValueError, match="empty or holds NaN"):
            audio.read(tmp_path / name)


# ---------------------------------------------------------------------------------------------- for listeners


def played(*rows):
    """Notes in seconds: (start, end, pitch, velocity)."""
    return np.array([(*row, 0) for row in rows], midi.NOTE)


def test_a_concert_is_stereo_in_full_band_and_of_one_loudness():
    soft, loud = (audio.concert(played((0, 1, 60, velocity), (1, 3, 72, velocity))) for velocity in (40, 110))
    for wave in (soft, loud):
        assert wave.dtype == np.float32 and wave.shape[1] == 2 and np.abs(wave).max() < 1
        assert audio.loudness(wave, audio.CONCERT_RATE) == pytest.approx(audio.LOUDNESS, abs=0.1)
        assert np.abs(wave[:, 0] - wave[:, 1]).max() > 0.01
    spectrum = np.abs(np.fft.rfft(loud[:, 0])) ** 2
    above = np.fft.rfftfreq(len(loud), 1 / audio.CONCERT_RATE) > audio.SAMPLE_RATE / 2
    assert spectrum[above].sum() > 1e-7 * spectrum.sum()


def test_a_concert_keeps_velocities_and_dies_away_in_the_hall():
    wave = audio.concert(played((0, 0.5, 60, 40), (1, 1.5, 60, 110), (2, 2.2, 67, 110)))
    level = [np.abs(wave[round(at * audio.CONCERT_RATE):][:9_600]).max() for at in (0, 1)]
    assert level[1] > 1.5 * level[0]
    length = (2.2 + audio.RELEASE_SECONDS + audio.HALL_SECONDS) * audio.CONCERT_RATE
    assert len(wave) == pytest.approx(length, abs=2) and np.abs(wave[-2_400:]).max() < 0.02
    assert (audio.concert(played((0, 0.5, 60, 40))) == audio.concert(played((0, 0.5, 60, 40)))).all()


def test_loudness_is_that_of_the_recommendation():
    """ITU-R BS.1770: a sine of 997 Hz at full scale has -3.01 LUFS in one loudspeaker; a gate leaves rests out."""
    sine = np.sin(2 * np.pi * 997 * np.arange(5 * 48_000) / 48_000)
    one = np.stack([sine, 0 * sine], axis=1)
    assert audio.loudness(one, 48_000) == pytest.approx(-3.01, abs=0.01)
    assert audio.loudness(0.1 * sine, 48_000) == pytest.approx(-20, abs=0.01)
    assert audio.loudness(np.append(0.1 * sine, 0 * sine), 48_000) == pytest.approx(-20, abs=0.2)
    bass = np.sin(2 * np.pi * 40 * np.arange(5 * 16_000) / 16_000)
    assert audio.loudness(0.1 * bass) < -23 and audio.loudness(0 * bass) == -np.inf


def test_all_waves_are_brought_to_one_level_and_silence_is_refused():
    rng = np.random.default_rng(0)
    for wave in (0.01 * rng.standard_normal(16_000), 3 * rng.standard_normal((16_000, 2)), np.eye(1, 8_000)[0]):
        found = audio.level(wave)
        assert found.shape == wave.shape and found.dtype == np.float32 and np.abs(found).max() < 1
    assert audio.loudness(audio.level(0.01 * rng.standard_normal(16_000))) == pytest.approx(audio.LOUDNESS, abs=0.2)
    with pytest.raises(ValueError, match="silent"):
        audio.level(np.zeros(16_000))


def test_a_velocity_is_heard_where_it_is_asked_for():
    soft = np.array([(0, 2, 60, 45, 0)], midi.NOTE)
    even = audio.render(soft)
    assert np.abs(audio.render(soft, even=False)).max() < 0.5 * np.abs(even).max()
    soft["velocity"] = midi.VELOCITY
    np.testing.assert_array_equal(audio.render(soft, even=False), even)


def test_stereo_is_written_and_silence_is_no_concert(tmp_path):
    wave = np.stack([np.sin(np.arange(48_000) / 20), np.zeros(48_000)], axis=1) / 2
    for ending in ("wav", "mp3", "ogg"):
        audio.write(tmp_path / f"both.{ending}", wave, audio.CONCERT_RATE)
        mono, rate = audio.read(tmp_path / f"both.{ending}")
        assert rate == audio.CONCERT_RATE and abs(len(mono) - 48_000) < 5_000
    with pytest.raises(ValueError, match="or \\(samples, 2\\)"):
        audio.write(tmp_path / "three.wav", np.zeros((9, 3)))
    with pytest.raises(ValueError, match="no notes"):
        audio.concert(played())
