import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer import MerError, batches
from mer.pretexts import cpc, denoise
from mer.tasks import TASKS, quadrant


class Numbered:
    """Patches of clips with the given lengths; a gathered patch is its own index."""

    def __init__(self, counts):
        self.count = np.array(counts)
        self.first = np.cumsum(self.count) - self.count
        self.clip = np.repeat(np.arange(len(counts)), self.count)
        self.number = np.arange(len(self.clip)) - self.first[self.clip]

    def __len__(self):
        return len(self.clip)

    def gather(self, indices):
        return np.broadcast_to(np.asarray(indices, np.float32)[..., None, None, None], (*np.shape(indices), 1, 1, 1))


def contrast(counts, **overrides):
    options = {"past": 4, "future": 2, "batch_size": 8, "seed": 0, "shuffle": True, **overrides}
    return cpc.Contrast(Numbered(counts), **options)


def indices(array):
    return array[..., 0, 0, 0].astype(int)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=6), st.integers(1, 3), st.floats(0, 1), st.integers(0, 5))
def test_a_negative_never_shares_a_frame_with_the_positive(counts, per_positive, share, epoch):
    if sum(count >= 6 for count in counts) < 2:
        return
    data = contrast(counts, negatives_per_positive=per_positive, same_clip_share=share)
    data.set_epoch(epoch)
    patches = data.patches
    for batch in range(len(data)):
        inputs, label = data[batch]
        past, future, label = indices(inputs["past"]), indices(inputs["future"]), label[:, 0] > 0
        assert label.sum() == round(len(label) / (1 + per_positive))
        clip = patches.clip[past[:, 0]]
        assert (np.diff(past, axis=1) == 1).all() and (np.diff(future, axis=1) == 1).all()
        assert (patches.clip[past] == clip[:, None]).all()
        assert (patches.clip[future[:, 0]] == patches.clip[future[:, 1]]).all()
        assert (future[label, 0] == past[label, -1] + 1).all() and (patches.clip[future[label, 1]] == clip[label]).all()
        wrong = ~label
        same = wrong & (patches.clip[future[:, 0]] == clip)
        true = past[:, -1] + 1
        # windows of 2 patches of 31 frames at hop 15 span 46 frames
        assert (15 * abs(future[same, 0] - true[same]) >= 46).all()


def test_share_of_same_clip_negatives_is_kept():
    for share in (0.0, 1.0):
        data = contrast([40, 40, 40], same_clip_share=share, batch_size=100)
        inputs, label = data[0]
        wrong = label[:, 0] == 0
        clip = data.patches.clip
        same = clip[indices(inputs["past"])[wrong, 0]] == clip[indices(inputs["future"])[wrong, 0]]
        assert same.all() if share else not same.any()


def test_published_negatives_leave_three_quarters_as_the_ceiling():
    data = contrast([60] * 40 + [11] * 20, negatives="published", batch_size=4000, hop_patches=1)
    inputs, label = data[0]
    past, future, label = indices(inputs["past"]), indices(inputs["future"]), label[:, 0]
    long = data.patches.count[data.patches.clip[past[:, 0]]] >= 12
    assert (label[~long] == 0).all()
    assert label[long].mean() == pytest.approx(0.5, abs=0.05)
    in_order = future[:, 0] == past[:, -1] + 1
    assert in_order[label == 1].all()
    assert in_order[(label == 0) & long].mean() == pytest.approx(0.5, abs=0.06)
    best = np.mean(in_order[long] == (label[long] > 0))  # the best any model can do: call the true order 1
    assert best == pytest.approx(0.75, abs=0.05)


def test_every_start_of_a_clip_has_its_turn():
    data = contrast([20, 9], hop_patches=6)
    seen = set()
    for epoch in range(200):
        data.set_epoch(epoch)
        seen |= set(data.starts)
    assert seen == set(range(15)) | set(range(20, 24))


def test_clips_too_short_for_a_sequence_are_said():
    with pytest.raises(MerError, match="6 patches"):
        contrast([5, 5])
    with pytest.raises(MerError, match="negative needs another clip"):
        contrast([8])


def test_noise_has_the_stated_deviation_and_the_target_is_clean(speech):
    patches = speech.patches(patch_frames=31, hop_frames=15)
    data = denoise.Denoising(patches, noise_sigma=0.3, batch_size=32, seed=1, shuffle=False)
    noisy, clean = data[0]
    np.testing.assert_array_equal(clean, patches.gather(np.arange(32)))
    assert (noisy - clean).std() == pytest.approx(0.3, rel=0.01)
    assert noisy.dtype == clean.dtype == np.float32


def test_a_batch_depends_on_seed_epoch_and_number_only(speech):
    patches = speech.patches(patch_frames=31, hop_frames=15)
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
    patches = speech.patches(patch_frames=31, hop_frames=15)
    data = denoise.Denoising(patches, noise_sigma=0.0, batch_size=17, seed=0, shuffle=True)
    seen = np.concatenate([data.indices(batch) for batch in range(len(data))])
    assert sorted(seen) == list(range(len(patches)))
    assert sum(len(data[batch][0]) for batch in range(len(data))) == len(patches)


def test_class_weights_equalise_every_task_and_reach_the_batches():
    truth = np.array([0, 0, 0, 0, 1, 2, 2, 3])
    weights = batches.class_weights(truth)
    data = batches.Emotion(np.zeros((8, 2), np.float32), truth, rows=np.arange(8), class_weights=weights, batch_size=8)
    _, targets, sample_weights = data[0]
    for task in TASKS:
        total = sample_weights[task.name] @ targets[task.name]  # weight that each class has in all
        np.testing.assert_allclose(total, total[0], rtol=1e-6)
        assert sample_weights[task.name].sum() == pytest.approx(8)


def test_an_absent_class_weighs_nothing():
    weights = batches.class_weights(np.array([0, 0, 3]))
    assert weights["quadrants"].tolist() == pytest.approx([0.75, 0, 0, 1.5])
    assert weights["valence"].tolist() == pytest.approx([0, 1])


def test_targets_follow_the_plane():
    names = {"quadrants": "Q1 Q2 Q3 Q4", "arousal": "A+ A+ A- A-", "valence": "V+ V- V- V+"}
    for task in TASKS:
        assert " ".join(task.classes[i] for i in task.targets(np.arange(4))) == names[task.name]
    assert [quadrant(1, 1), quadrant(2, -3), quadrant(-1, -1), quadrant(-0.1, 5)] == ["Q1", "Q2", "Q3", "Q4"]
    assert quadrant(0, 1) is None and quadrant(1, 0) is None
