"""Speech told from music: on codes in which it is known, and through training, export and prediction."""

import json

import numpy as np
import pytest
from test_linear import module, train  # noqa: F401  the model of linear heads

from mer import MerError
from mer.data import generate
from mer.prediction import verdict
from mer.tasks import PUBLISHED
from mer.training import discriminant, spoken
from mer.weights import engines, export

UNITS, PATCHES = 40, 6
MUSIC, SPEECH = 160, 120
_WAY = np.random.default_rng(5).normal(size=UNITS)


def clips(seed, n, *, shift, each=2):
    """Codes of n clips of n / each groups; `shift`: how far along the way to speech."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) // each
    mean = rng.normal(size=(n // each, UNITS))[group] + shift * _WAY / np.linalg.norm(_WAY) * 5
    codes = np.repeat(mean, PATCHES, axis=0) + rng.normal(size=(n * PATCHES, UNITS))
    return codes, np.repeat(np.arange(n), PATCHES), np.array([f"g{one}" for one in group])


def solved(*, shift=1.0, seed=0):
    codes, clip, groups = clips(seed, MUSIC, shift=0)
    truth = {"quadrants": np.arange(MUSIC) % 4}
    return discriminant.fit(codes, clip, truth, PUBLISHED[:1], list(groups), patch_seconds=3.0, hop_seconds=1.5,
                            balanced=True, seed=1, speech=clips(seed + 100, SPEECH, shift=shift))


def judged(heads, codes, clip):
    weights, offsets = heads.place
    places = [(codes[clip == one] @ weights + offsets).mean(axis=0) for one in range(clip.max() + 1)]
    known = heads.certainty["familiar"]
    return [verdict.judge(np.array([0.9, 0.1]), [place], [known], seconds=10.5) for place in places]


def test_other_speakers_are_found_and_other_music_is_not():
    heads = solved()
    spoke, sang = (judged(heads, *clips(7, 200, shift=shift)[:2]) for shift in (1, 0))
    assert np.mean([one.kind == "speech" for one in spoke]) > 0.95
    assert np.mean([one.kind == "speech" for one in sang]) < 0.05
    assert "voice alone" in spoke[0].words and spoke[0].summary["speech"] > 0 > sang[0].summary["speech"]
    told = heads.certainty["familiar"]["speech"]
    assert told["found"] == pytest.approx(np.mean([one.kind == "speech" for one in spoke]), abs=0.06)
    assert told["false_alarms"] == pytest.approx(np.mean([one.kind == "speech" for one in sang]), abs=0.06)


def test_what_is_like_music_is_told_by_luck_and_the_run_says_so():
    """Shares are of clips whose groups were held out: what was learnt by heart does not count."""
    told = solved(shift=0.0).certainty["familiar"]["speech"]
    assert abs(told["found"] - told["false_alarms"]) < 0.2 and 0.25 < told["false_alarms"] < 0.75


def test_answers_stay_what_they_are():
    with_speech, codes = solved(), clips(0, MUSIC, shift=0)
    without = discriminant.fit(codes[0], codes[1], {"quadrants": np.arange(MUSIC) % 4}, PUBLISHED[:1],
                               list(codes[2]), patch_seconds=3.0, hop_seconds=1.5, balanced=True, seed=1)
    assert "speech" not in without.certainty["familiar"] and without.loss == with_speech.loss
    assert (without.place[0] == with_speech.place[0]).all()
    assert without.certainty["familiar"]["distance"] == with_speech.certainty["familiar"]["distance"]
    assert judged(without, *codes[:2])[0].speech is None and "speech" not in judged(without, *codes[:2])[0].summary


def test_an_ensemble_tells_speech_where_all_of_it_do():
    known = {"seconds": [3.0], "distance": [2.0]}
    tells = [{**known, "speech": {"weights": [2.0, 0.0], "offset": -1.0}}, {**known, "speech": {"weights": [9.0] * 9,
                                                                                              "offset": -8.0}}]
    place = np.array([1.0, 0.0, 0.0])
    one = verdict.judge(np.array([1.0]), [place, place], tells, seconds=5.0)
    assert one.speech == pytest.approx((1.0 + 1.0) / 2) and one.kind == "speech"
    assert verdict.judge(np.array([1.0]), [place, place], [tells[0], known], seconds=5.0).speech is None


def test_a_run_keeps_it_and_so_does_an_exported_file(train, tmp_path, monkeypatch):  # noqa: F811
    generate.run("speech", "e", train.cfg)
    with pytest.raises(MerError, match=r"5 speaker\(s\), and 10 are needed"):
        train(detect=["e"])
    monkeypatch.setattr(spoken, "LEAST_SPEAKERS", 5)
    plain = train()
    key = plain.read("key")["key"]
    run = train(detect=["e"], force=True)
    about = json.loads(run.file("run.json").read_text(encoding="utf-8"))
    assert about["settings"]["detect_speech"] == ["LibriSpeech"] and about["key"] != key
    export.export(run, tmp_path / "toy.onnx", load_module=module)
    told = engines.open_onnx(tmp_path / "toy.onnx").familiar["speech"]
    assert told == about["certainty"]["familiar"]["speech"] and len(told["weights"]) == spoken.COMPONENTS
    with pytest.raises(MerError, match="was made with other data, split or encoder"):
        train()  # without the flag it is another run


@pytest.mark.parametrize("options", [{"linear": False}, {"per_group": True}])
def test_what_cannot_tell_speech_is_refused(train, options):  # noqa: F811
    with pytest.raises(MerError, match="--detect-speech is of linear heads"):
        train(detect=["e"], **options)
