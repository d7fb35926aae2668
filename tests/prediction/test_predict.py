"""predict: times, means and spread; silence, short files, any rate; what may not be imported."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from conftest import ROOT
from fakes import SETTINGS, engine

from mer import MerError
from mer.features import waveform as waveforms
from mer.features.chunks import Chunks
from mer.features.representations import Representation
from mer.features.representations.log_mel import LogMel
from mer.prediction import members, predict
from mer.tasks import PUBLISHED
from mer.weights.engines import Engine


def write(path, seconds=10.0, *, rate_hz=16000, n_channels=1, scale=0.1):
    rng = np.random.default_rng(0)
    samples = scale * rng.standard_normal((int(seconds * rate_hz), n_channels)) * np.linspace(0.05, 1, int(
        seconds * rate_hz))[:, None]
    soundfile.write(path, samples, rate_hz)
    return path


def test_patches_and_times_are_the_published_ones(tmp_path):
    path, seen = write(tmp_path / "x.wav"), []
    made = predict.predict_file(path, [engine(seen=seen)], batch_patches=4)
    frames = LogMel().rows(waveforms.load(path, sample_rate_hz=16000))
    expected = Chunks(LogMel(), 1.0, 31).cut(frames, 31)
    assert [len(batch) for batch in seen] == [4, 4, 2]
    np.testing.assert_allclose(np.concatenate(seen), expected, atol=1e-5)
    assert (made.status, made.seconds, made.hop_seconds, made.patch_seconds) == ("ok", 10.0, 0.992, 0.992)
    np.testing.assert_allclose(made.times_seconds, 0.992 * np.arange(10))


def test_arousal_and_valence_are_differences_of_probabilities(tmp_path):
    made = predict.predict_file(write(tmp_path / "x.wav"), [engine()])
    np.testing.assert_allclose(made.arousal, 2 * made.probabilities["arousal"][:, 1] - 1, atol=1e-6)
    np.testing.assert_allclose(made.valence, 2 * made.probabilities["valence"][:, 1] - 1, atol=1e-6)
    assert made.arousal[-1] > made.arousal[0] + 0.05  # it gets louder
    for task in PUBLISHED:
        assert made.probabilities[task.name].shape == (10, len(task.classes))
        assert made.probabilities[task.name].dtype == np.float64
        np.testing.assert_allclose(made.mean[task.name], made.probabilities[task.name].mean(axis=0))


@pytest.mark.parametrize(("asked", "hop"), [(None, 0.992), (0.992, 0.992), (0.5, 0.512), (0.001, 0.032), (2.1, 2.112)])
def test_hop_is_rounded_to_whole_frames(tmp_path, asked, hop):
    made = predict.predict_file(write(tmp_path / "x.wav"), [engine()], hop_seconds=asked)
    assert made.hop_seconds == pytest.approx(hop)
    assert members.actual_hop_seconds([engine()], asked) == pytest.approx(hop)
    assert len(made.times_seconds) == 1 + (313 - 31) // round(hop / 0.032)


@pytest.mark.parametrize("hop", [0, -1, float("nan"), float("inf")])
def test_impossible_hops_are_refused(tmp_path, hop):
    with pytest.raises(MerError, match=r"a hop of .* came, but one above 0 was expected; leave it out for 0\.992 s"):
        predict.predict_file(write(tmp_path / "x.wav"), [engine()], hop_seconds=hop)


def test_ensemble_gives_mean_and_standard_deviation(tmp_path):
    path = write(tmp_path / "x.wav")
    members = [engine(shift=shift) for shift in (-1.0, 0.0, 2.0)]
    alone = [predict.predict_file(path, [member]) for member in members]
    together = predict.predict_file(path, members)
    assert alone[0].spread is None
    assert alone[0].mean_spread is None
    for task in PUBLISHED:
        each = np.stack([one.probabilities[task.name] for one in alone])
        np.testing.assert_allclose(together.probabilities[task.name], each.mean(axis=0))
        np.testing.assert_allclose(together.spread[task.name], each.std(axis=0))
        np.testing.assert_allclose(together.mean_spread[task.name], each.mean(axis=1).std(axis=0))
        np.testing.assert_allclose(together.members[2]["mean"][task.name], alone[2].mean[task.name])
    arousal = [one.arousal.mean() for one in alone]
    assert together.summary()["arousal_spread"] == pytest.approx(np.std(arousal), abs=1e-6)
    valence = [one.valence.mean() for one in alone]
    assert together.summary()["valence_spread"] == pytest.approx(np.std(valence), abs=1e-6)


def test_members_may_read_different_rows_and_each_kind_is_made_once(tmp_path, monkeypatch):
    made, real = [], Representation.stream
    monkeypatch.setattr(Representation, "stream", lambda self, blocks: made.append(self.settings) or real(self, blocks))
    path, seen = write(tmp_path / "x.wav"), {"fine": [], "coarse": [], "long": [], "sound": []}
    sound = {"representation": "waveform", "sample_rate_hz": 22050, "patch_seconds": 0.5}
    def listen(patches):
        seen["sound"].append(patches)
        return {task.name: np.full((len(patches), len(task.classes)), 0.5, np.float32) for task in PUBLISHED}

    hears = Engine("onnx", "Sound", {**engine().about, "settings": sound, "sha256": "s"}, listen)
    members = [engine(seen=seen["coarse"]), engine(settings={**SETTINGS, "hop_samples": 256}, seen=seen["fine"]),
               engine(settings={**SETTINGS, "patch_frames": 62}, seen=seen["long"]), hears]
    done = predict.predict_file(path, members, hop_seconds=0.5, batch_patches=4)
    assert [settings.get("hop_samples", "sound") for settings in made] == [512, 256, "sound"]
    n, hop = len(done.times_seconds), 0.512  # the rows of the coarsest member decide
    assert n == 1 + (313 - 62) // 16 and done.hop_seconds == hop and done.patch_seconds == 62 * 0.032
    shapes = {"coarse": (n, 128, 31, 1), "fine": (n, 128, 31, 1), "long": (n, 128, 62, 1), "sound": (n, 11025, 1)}
    assert {name: np.concatenate(parts).shape for name, parts in seen.items()} == shapes
    whole = waveforms.load(path, sample_rate_hz=22050)
    starts = [round(i * hop * 22050) for i in range(n)]
    np.testing.assert_allclose(np.concatenate(seen["sound"])[..., 0], [whole[i:i + 11025] for i in starts], atol=1e-6)
    fine = LogMel(hop_samples=256).rows(waveforms.load(path, sample_rate_hz=16000))
    np.testing.assert_allclose(np.concatenate(seen["fine"])[..., 0], [fine[32 * i:32 * i + 31].T for i in range(n)],
                               atol=1e-5)


def test_patch_seconds_may_stand_for_patch_frames(tmp_path):
    settings = {name: value for name, value in SETTINGS.items() if name != "patch_frames"}
    seen = []
    predict.predict_file(write(tmp_path / "x.wav"), [engine(settings={**settings, "patch_seconds": 1.0}, seen=seen)])
    assert seen[0].shape == (10, 128, 31, 1)


@pytest.mark.parametrize(("rate_hz", "n_channels"), [(8000, 1), (22050, 2), (48000, 6), (96000, 8)])
def test_any_rate_and_number_of_channels(tmp_path, rate_hz, n_channels):
    made = predict.predict_file(write(tmp_path / "x.wav", rate_hz=rate_hz, n_channels=n_channels), [engine()])
    assert len(made.times_seconds) == 10
    assert all(np.isfinite(each).all() for each in made.probabilities.values())


@pytest.mark.parametrize("scale", [0.0, 3e-6])
def test_silence_is_a_stated_result(tmp_path, scale):
    path, seen = tmp_path / "x.wav", []
    soundfile.write(path, np.full(48000, scale), 16000, subtype="FLOAT")
    shares = []
    made = predict.predict_file(path, [engine(seen=seen), engine(shift=1.0)], on_progress=shares.append)
    assert (made.status, len(made.times_seconds), made.mean, made.quadrant) == ("silent", 0, None, None)
    assert made.probabilities["quadrants"].shape == (0, 4)
    assert not seen
    assert sum(shares) == 1
    summary = made.summary()
    assert summary["message"] == f"{path} is silent (no sample above 0.0001 of full scale), so there is nothing to" \
                                 " predict, and no probability is given."
    assert all(summary[name] is None for name in ("mean", "mean_spread", "quadrant", "arousal", "valence"))
    json.dumps(summary, allow_nan=False)


def test_a_file_with_digital_silence_inside_is_predicted(tmp_path):
    samples = 0.1 * np.random.default_rng(0).standard_normal(160_000)
    samples[30_000:120_000] = 0
    soundfile.write(tmp_path / "x.wav", samples, 16000)
    made = predict.predict_file(tmp_path / "x.wav", [engine()])
    assert made.status == "ok"
    assert all(np.isfinite(each).all() for each in made.probabilities.values())
    assert made.arousal[4] < made.arousal[0]


@pytest.mark.parametrize(("n_samples", "n_predictions"), [(15360, 1), (15359, 0), (500, 0), (31232, 2), (31231, 1)])
def test_too_short_files_get_a_sentence(tmp_path, n_samples, n_predictions):
    soundfile.write(tmp_path / "x.wav", 0.1 * np.random.default_rng(0).standard_normal(n_samples), 16000)
    if n_predictions:
        assert len(predict.predict_file(tmp_path / "x.wav", [engine()]).times_seconds) == n_predictions
        return
    with pytest.raises(waveforms.AudioError, match=r"x\.wav is 0\.\d\d s long, but one patch needs 0\.96 s; use"):
        predict.predict_file(tmp_path / "x.wav", [engine()])


def test_a_model_that_gives_nan_is_refused(tmp_path):
    def predict_nan(patches):
        return {task.name: np.full((len(patches), len(task.classes)), np.nan, np.float32) for task in PUBLISHED}

    broken = type(engine())("onnx", "Broken", engine().about, predict_nan)
    with pytest.raises(MerError, match="Broken gives NaN or infinite probabilities, so its weights are damaged"):
        predict.predict_file(write(tmp_path / "x.wav"), [broken])


def test_progress_adds_up_to_one(tmp_path):
    shares = []
    predict.predict_file(write(tmp_path / "x.wav"), [engine()], batch_patches=3, on_progress=shares.append)
    assert len(shares) == 4
    assert sum(shares) == pytest.approx(1)


def test_summary_is_json_and_names_the_labels(tmp_path):
    summary = predict.predict_file(write(tmp_path / "x.wav"), [engine(corpus="demo")]).summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["labels"]["quadrants"]["classes"] == ["Q1", "Q2", "Q3", "Q4"]
    assert summary["labels"]["arousal"]["value"] == {"name": "arousal", "formula": "P(A+) - P(A-)", "range": [-1, 1]}
    assert sum(summary["mean"]["quadrants"].values()) == pytest.approx(1, abs=1e-5)
    assert summary["quadrant"] == max(summary["mean"]["quadrants"], key=summary["mean"]["quadrants"].get)
    assert summary["worth"] == predict.DEMO_WORTH


def test_a_model_that_came_twice_is_refused(tmp_path):
    engines = [engine(), engine()]
    for name, made in zip("ab", engines, strict=True):
        made.about.update(sha256="5", file=name)
    with pytest.raises(MerError, match=r"came twice \(a and b have the same weights\), but an ensemble is made of"):
        members.actual_hop_seconds(engines)


def test_nothing_heavy_is_imported(tmp_path):
    write(tmp_path / "x.wav", 2.0)
    code = ("import sys; from fakes import engine; from mer.prediction import batch, output, predict\n"
            "from mer.weights import catalogue\n"
            f"made = predict.predict_file({str(tmp_path / 'x.wav')!r}, [engine()])\n"
            f"output.write(made, {str(tmp_path)!r})\n"
            "heavy = 'librosa pandas sklearn joblib keras tensorflow matplotlib h5py numba PIL av'.split()\n"
            "print([name for name in heavy if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
                          env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"})
    assert done.stdout.strip() == "[]"


def test_a_model_that_sums_logs_says_so_of_clips_too(tmp_path):
    path, logs = write(tmp_path / "x.wav"), engine(shift=1.0)
    logs.about["pooling"] = "log"
    made, both = (predict.predict_file(path, engines) for engines in ([logs], [engine(), logs]))
    for task in PUBLISHED:
        expected = np.exp(np.log(made.probabilities[task.name]).mean(axis=0))
        np.testing.assert_allclose(made.mean[task.name], expected / expected.sum(), rtol=1e-9)
        plain = predict.predict_file(path, [engine()]).mean[task.name]
        np.testing.assert_allclose(both.mean[task.name], (plain + made.mean[task.name]) / 2, rtol=1e-9)
    assert not np.allclose(made.mean["quadrants"], made.probabilities["quadrants"].mean(axis=0), atol=1e-6)
