import dataclasses

import keras
import numpy as np
import pytest
from made_up import targets

import models
from mer import MerError, heads
from mer.features import chunks
from mer.features.chunks import Chunks
from mer.features.representations.log_mel import LogMel
from mer.tasks import PUBLISHED, QUADRANTS, TASKS, Task, quadrant
from mer.training import batches, transfer
from mer.training.pretexts import denoise


def test_noise_has_the_stated_deviation_and_the_target_is_clean(speech):
    patches = speech.patches(Chunks(LogMel(), 1.0, 31), 15)
    data = denoise.Denoising(patches, noise_sigma=0.3, batch_size=32, seed=1, shuffle=False)
    noisy, clean = data[0]
    np.testing.assert_array_equal(clean, patches.gather(np.arange(32)))
    assert (noisy - clean).std() == pytest.approx(0.3, rel=0.01)
    assert noisy.dtype == clean.dtype == np.float32


def test_a_batch_depends_on_seed_epoch_and_number_only(speech):
    patches = speech.patches(Chunks(LogMel(), 1.0, 31), 15)
    make = lambda seed: denoise.Denoising(patches, noise_sigma=0.3, batch_size=16, seed=seed, shuffle=True)  # noqa: E731
    one, two = make(1), make(1)
    two.set_epoch(5)
    two[0]
    two.set_epoch(0)
    np.testing.assert_array_equal(one[1][0], two[1][0])
    two.set_epoch(1)
    assert not np.array_equal(one[1][1], two[1][1])
    assert not np.array_equal(one[1][1], make(2)[1][1])


def test_the_last_partial_batch_counts_and_an_epoch_sees_every_patch_once(speech):
    patches = speech.patches(Chunks(LogMel(), 1.0, 31), 15)
    data = denoise.Denoising(patches, noise_sigma=0.0, batch_size=17, seed=0, shuffle=True)
    seen = np.concatenate([data.indices(batch) for batch in range(len(data))])
    assert sorted(seen) == list(range(len(patches)))
    assert sum(len(data[batch][0]) for batch in range(len(data))) == len(patches)


def test_class_weights_equalise_every_task_and_reach_the_batches():
    truth = targets(np.array([0, 0, 0, 0, 1, 2, 2, 3]))
    weights = batches.class_weights(truth, TASKS)
    data = batches.Emotion(np.zeros((8, 2), np.float32), truth, rows=np.arange(8), tasks=TASKS, class_weights=weights,
                           batch_size=8)
    _, wanted, sample_weights = data[0]
    for task in TASKS:
        if task.classes:
            total = sample_weights[task.name] @ wanted[task.name]  # weight that each class has in all
            np.testing.assert_allclose(total, total[0], rtol=1e-6)
            assert sample_weights[task.name].sum() == pytest.approx(8)


def test_an_absent_class_weighs_nothing():
    weights = batches.class_weights(targets(np.array([0, 0, 3])), TASKS)
    assert weights["quadrants"].tolist() == pytest.approx([0.75, 0, 0, 1.5])
    assert weights["valence"].tolist() == pytest.approx([0, 1])


def test_targets_follow_the_plane():
    names = {"quadrants": "Q1 Q2 Q3 Q4", "arousal": "A+ A+ A- A-", "valence": "V+ V- V- V+"}
    for task in PUBLISHED:
        assert " ".join(task.classes[i] for i in task.targets(QUADRANTS)) == names[task.name]
    assert [quadrant(1, 1), quadrant(2, -3), quadrant(-1, -1), quadrant(-0.1, 5)] == ["Q1", "Q2", "Q3", "Q4"]
    assert quadrant(0, 1) is None and quadrant(1, 0) is None


VALUE = Task("value", "value", range=(-1.0, 1.0))
WIDE = Task("wide", "wide", range=(1.0, 9.0))


def test_the_loss_is_the_mean_over_clips_with_a_label_whatever_batch_they_fall_into(rng):
    tasks, codes = (PUBLISHED[1], VALUE, WIDE), rng.normal(size=(30, 3)).astype(np.float32)
    truth = {"arousal": rng.integers(0, 2, 30), "value": rng.uniform(-1, 1, 30), "wide": rng.uniform(1, 9, 30)}
    truth["arousal"][:9], truth["value"][::3], truth["wide"][20:] = -1, np.nan, np.nan
    code = keras.Input((3,))
    model = heads.attach(keras.Model(code, keras.layers.Activation("linear")(code)), tasks)
    model.compile("sgd", loss={task.name: task.loss for task in tasks}, jit_compile=False,
                  weighted_metrics={task.name: [task.metric] for task in tasks})
    data = batches.Emotion(codes, truth, rows=np.arange(30), tasks=tasks, batch_size=7)
    found, outputs = model.evaluate(data, return_dict=True, verbose=0), model.predict(codes, verbose=0)
    shares = outputs["arousal"][np.arange(9, 30), truth["arousal"][9:]]
    expected = -np.log(shares).mean()
    for task, scale in ((VALUE, 1), (WIDE, 16)):  # errors count in halves of the range
        error = np.nanmean((outputs[task.name][:, 0] - truth[task.name]) ** 2)
        assert found[f"{task.name}_mean_squared_error"] == pytest.approx(error, rel=1e-4)
        expected += error / scale
    assert found["loss"] == pytest.approx(expected, rel=1e-4)


def test_a_side_without_any_label_of_a_task_adds_nothing():
    truth = {"value": np.full(4, np.nan)}
    data = batches.Emotion(np.zeros((4, 2), np.float32), truth, rows=np.arange(4), tasks=(VALUE,), batch_size=4)
    assert (data[0][2]["value"] == 0).all() and (data[0][1]["value"] == 0).all()


def test_a_head_finds_the_value_that_a_code_holds(rng, make_config):
    keras.utils.set_random_seed(0)
    codes = rng.normal(size=(400, 4)).astype(np.float32)
    truth = {"value": np.tanh(codes[:, 0] - codes[:, 1] / 2)}
    truth["value"][::5] = np.nan
    code = keras.Input((4,))
    model = heads.attach(keras.Model(code, keras.layers.Activation("linear")(code)), (VALUE,))
    transfer.compile_for(model, make_config(), "heads", (VALUE,), weighted=True)
    model.fit(batches.Emotion(codes, truth, rows=np.arange(300), tasks=(VALUE,), batch_size=20, shuffle=True), epochs=8,
              verbose=0)
    known = np.arange(300, 400)[np.isfinite(truth["value"][300:])]
    error = np.square(model.predict(codes[known], verbose=0)["value"][:, 0] - truth["value"][known]).mean()
    assert error < 0.2 * np.square(np.nanmean(truth["value"][:300]) - truth["value"][known]).mean()


def test_labels_outside_classes_and_range_are_refused():
    with pytest.raises(MerError, match="'Q5' came in the column quadrant"):
        PUBLISHED[0].targets(["Q1", "Q5"])
    with pytest.raises(MerError, match="label 1.5 came in the column value, but the task value expects -1 to 1"):
        VALUE.targets([0, 1.5, np.nan])
    assert PUBLISHED[1].targets(["", "Q1"]).tolist() == [-1, 1] and not VALUE.is_labelled(VALUE.targets([np.nan]))[0]


def test_no_two_tasks_share_the_name_of_an_output_or_a_column_of_predictions():
    names = [name for task in TASKS for name in (*task.classes, task.name)]
    assert len(names) == len(set(names)) and TASKS[:3] == PUBLISHED


def test_music_without_any_label_is_refused(music, cfg, monkeypatch, capsys):
    bare = dataclasses.replace(music, labels={"quadrant": np.full(len(music), "", object)})
    monkeypatch.setattr(transfer.datasets, "load", lambda *_, **__: bare)
    reads = chunks.of_encoder(models.load("model_cnn", pretexts=[None]), cfg.values)
    with pytest.raises(MerError, match="has no labels for any task.*'python3 generate_dataset.py -d m -l e' again"):
        transfer.Music(cfg, "e", reads)
    assert capsys.readouterr().out.count("is left out") == 3
