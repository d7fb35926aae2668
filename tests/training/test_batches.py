import numpy as np
import pytest
from made_up import targets

from mer.features.chunks import Chunks
from mer.features.representations.log_mel import LogMel
from mer.tasks import PUBLISHED, QUADRANTS, TASKS, quadrant
from mer.training import batches
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
