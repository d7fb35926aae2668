"""The demo corpus: overlap of the quadrants, the tunes, singing in tune."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from test_demo_corpus import SIGNS

pytest.importorskip("espeakng_loader", reason="make_demo_corpus.py needs requirements-demo.txt")
pytest.importorskip("tinysoundfont", reason="make_demo_corpus.py needs requirements-demo-nodeps.txt")

from demo_corpus import compose, cues, melody, plan, render, singing, voices, words
from mer import MerError

# ---- composition -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn():
    """Cue values and quadrants of 2 000 draws."""
    rng = np.random.default_rng(0)
    quadrants = np.repeat(list(SIGNS), 500)
    values = [list(cues.draw_cues(*cues.draw_emotion(quadrant, rng), rng).values()) for quadrant in quadrants]
    return np.array(values), quadrants


def test_no_single_cue_tells_the_quadrants_apart_but_all_together_do(drawn):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    values, quadrants = drawn
    targets = {"arousal": np.isin(quadrants, ["Q1", "Q2"]), "valence": np.isin(quadrants, ["Q1", "Q4"])}
    single = []
    for column in values.T:
        # Depth 3 is eight intervals: a stump alone could never name more than two of four quadrants.
        tree = DecisionTreeClassifier(max_depth=3)
        single.append(cross_val_score(tree, column[:, None], quadrants, cv=5).mean())
        for truth in targets.values():
            assert cross_val_score(DecisionTreeClassifier(max_depth=1), column[:, None], truth, cv=5).mean() < 0.87
    together = cross_val_score(make_pipeline(StandardScaler(), LogisticRegression()), values, quadrants, cv=5).mean()
    assert max(single) < 0.55
    assert max(single) + 0.2 < together < 0.95


def test_cues_move_the_way_the_literature_says(drawn):
    values, quadrants = drawn
    mean = {q: dict(zip(cues.CUES, values[quadrants == q].mean(0), strict=True)) for q in SIGNS}
    assert mean["Q1"]["tempo_bpm"] > mean["Q4"]["tempo_bpm"] and mean["Q2"]["velocity"] > mean["Q3"]["velocity"]
    assert mean["Q1"]["mode_brightness"] > mean["Q2"]["mode_brightness"]
    assert mean["Q3"]["dissonance"] > mean["Q4"]["dissonance"] and mean["Q3"]["gate"] > mean["Q1"]["gate"]


@pytest.fixture(scope="module", params=["english", "mandarin"])
def pieces(request):
    return [(clip, clip.score()) for clip in plan.clips(request.param, 16, 1)]


def test_artists_span_quadrants_and_styles_overlap(pieces):
    quadrants, artists = {}, {}
    for clip, score in pieces:
        artists.setdefault(clip.artist.name, set()).add(clip.quadrant)
        quadrants.setdefault(score.facts["style"], set()).add(clip.quadrant)
    assert len(artists) >= 8 and min(map(len, artists.values())) >= 2
    assert len(quadrants) >= 8 and np.mean([len(found) for found in quadrants.values()]) > 2


@pytest.mark.parametrize("clips_per_quadrant", [1, 2, 3, 7])
def test_small_corpora_keep_artists_across_quadrants(clips_per_quadrant):
    artists = {}
    for clip in plan.clips("english", clips_per_quadrant, 5):
        artists.setdefault(clip.artist.name, set()).add(clip.quadrant)
    assert min(map(len, artists.values())) >= 2


def test_pieces_have_a_singable_tune_that_closes_on_the_tonic(pieces):
    for clip, score in pieces:
        assert compose.SHORTEST_SECONDS <= score.seconds <= compose.LONGEST_SECONDS
        assert score.lines and len(score.parts) >= 2
        pitches = [note.pitch for line in score.lines for note in line.notes]
        # 7 semitones around a centre that the register cue moves by at most 4, and a few to the next chord note
        assert max(abs(pitch - clip.artist.middle) for pitch in pitches) <= 7 + 4 + 5
        assert pitches[-1] % 12 == score.facts["tonic"]
        for line in score.lines:
            starts = [note.start for note in line.notes]
            assert starts == sorted(starts) and starts[0] >= 0.2
            assert min(note.duration for note in line.notes) > 0.1


def test_strong_syllables_fall_on_the_beats():
    places = melody.rhythm(words.METRES["iamb"], 8, 4)
    assert [start for start, _, is_strong in places if is_strong] == [0, 8, 16, 24]
    assert [start for start, _, is_strong in places if not is_strong] == [-4, 4, 12, 20]
    assert all(length > 0 for _, length, _ in places) and places[-1][0] + places[-1][1] <= 32 - 4


# ---- sound -------------------------------------------------------------------------------------------------------


def measured_pitch(samples):
    """Pitch of a stretch of voice as MIDI number: the period with the highest autocorrelation, 60 to 1100 Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 4 * len(samples))) ** 2
    correlation = np.fft.irfft(spectrum)[:voices.SAMPLE_RATE // 60]
    shortest = voices.SAMPLE_RATE // 1100
    # Undo the window's taper, and take the first of the nearly best periods: their multiples fit as well.
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(len(samples)), 4 * len(samples))) ** 2)[:len(correlation)]
    normal = correlation / (window + 1e-9)
    peaks = [lag for lag in range(shortest, len(normal) - 1) if normal[lag - 1] < normal[lag] >= normal[lag + 1]]
    lag = next(lag for lag in peaks if normal[lag] > 0.93 * max(normal[peak] for peak in peaks))
    left, middle, right = normal[lag - 1:lag + 2]
    lag += 0.5 * (left - right) / (left - 2 * middle + right)
    return 69 + 12 * np.log2(voices.SAMPLE_RATE / lag / 440)


@pytest.mark.parametrize("language", ["english", "mandarin"])
def test_every_singer_sings_the_notes_of_the_score(language):
    errors = {}
    for clip in plan.clips(language, 16, 1)[:10]:
        line = clip.score().lines[0]
        samples, lead = singing.sing(line.text, line.notes, clip.artist.singer, rng=np.random.default_rng(0))
        for note in line.notes:
            first = note.start - line.notes[0].start + lead + 0.06
            last = first + max(0.5 * note.gate * note.duration - 0.06, 0.07)
            stretch = samples[int(first * voices.SAMPLE_RATE):int(last * voices.SAMPLE_RATE)]
            errors.setdefault(clip.artist.singer.voice, []).append(abs(measured_pitch(stretch) - note.pitch))
    assert len(errors) == 10
    for voice, found in errors.items():
        assert np.median(found) < 0.15, voice  # semitones
    assert np.mean(np.concatenate(list(errors.values())) < 0.5) > 0.9


def test_singing_needs_a_note_for_every_syllable():
    notes = [singing.SungNote(0.5 * index, 0.5, 60) for index in range(3)]
    with pytest.raises(MerError, match="4 syllables for 3 notes"):
        singing.sing("one two three four", notes, singing.Singer("en-us+m3", 120), rng=np.random.default_rng(0))


def test_the_voice_is_heard_over_the_instruments():
    rate, ratios = 22050, []
    for clip in plan.clips("english", 16, 1)[::8]:
        score = clip.score()
        vocal = render.voice(score, clip.artist, rate, np.random.default_rng(0))
        played, sung = render.balance(render.instruments(score, rate), vocal, score.cues, rate)
        sounding = np.abs(vocal) > 0.02
        hertz = np.fft.rfftfreq(len(sung), 1 / rate)
        formants = (hertz > 500) & (hertz < 4000)
        power = [np.sum(np.abs(np.fft.rfft(track * sounding)[formants]) ** 2) for track in (sung, played[:, 0])]
        ratios.append(10 * np.log10(power[0] / power[1]))
        assert sounding.mean() > 0.2
    assert -6 < np.median(ratios) < 12 and min(ratios) > -12  # dB in the band of the formants


def test_a_mix_is_as_long_as_its_score_and_ends_in_silence():
    clip = plan.clips("mandarin", 16, 1)[20]
    score = clip.score()
    sound = render.clip_audio(clip, score, 22050)
    assert sound.shape == (int(score.seconds * 22050), 2)
    assert np.abs(sound).max() < 1 and np.abs(sound[-50:]).max() < 1e-3
    assert np.abs(sound[:, 0] - sound[:, 1]).max() > 0.01  # stereo


def test_pretty_midi_is_never_imported():
    code = "import sys; from demo_corpus import render; render.soundfont_path(); print('pretty_midi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
