"""A corpus, a pretext task and an encoder are one new file each: from speech to emotion, in a copy of the project.

A representation is added in `test_second_representation.py`, a task in `test_continuous_task.py`.
"""

import json
import re

import numpy as np
from conftest import ROOT, write_music
from test_second_representation import project  # noqa: F401

REVERSAL = '''"""Reversal: is this patch played backwards?"""
import numpy as np

from mer.evaluation import intervals
from mer.training import batches


class Patches(batches.Batches):
    """Every second patch is reversed in time."""

    def __init__(self, patches, **batching):
        super().__init__(n=len(patches), **batching)
        self.patches = patches

    def __getitem__(self, batch):
        chosen = self.indices(batch)
        inputs, reverse = self.patches.gather(chosen), chosen % 2 == 1
        inputs[reverse] = inputs[reverse][:, :, ::-1]
        return inputs, reverse[:, None].astype(np.float32)


class Task:
    """Scored by accuracy."""

    settings = ("pretrain_batch_patches",)
    compile_with = {"loss": "binary_crossentropy", "metrics": ["accuracy"]}

    def __init__(self, cfg, module):
        self.cfg = cfg

    def batches(self, patches, *, seed, shuffle):
        return Patches(patches, seed=seed, shuffle=shuffle, batch_size=self.cfg.pretrain_batch_patches)

    def scores(self, model, test, *, train):
        answers = np.concatenate([(model.predict_on_batch(test[i][0]) > 0.5) == test[i][1] for i in range(len(test))])
        gain = intervals.paired_mean(answers[:, 0] - 0.5, np.ones(len(answers)), clip=test.patches.clip[test.order],
                                     group=test.patches.clips.group, n_bootstrap=self.cfg.n_bootstrap)
        return {"accuracy": float(answers.mean()), "learnt": (gain["low"] or 0) > 0, "sentence": "backwards or not"}
'''
ORDER = '''"""Toy: tells patches that are played backwards."""
import keras
from keras import layers

INPUT = "log_mel"
CHUNK_SECONDS = 1.0
PRETEXT = "reversal"
TITLE = "Order"


def build(shape):
    """Patch -> probability that it is reversed."""
    patch = keras.Input(shape, name="patch")
    x = layers.Conv2D(4, (16, 8), strides=(16, 4), activation="relu", name="c1")(patch)
    x = layers.Dense(16, name="encod")(layers.Flatten(name="flat")(x))
    return keras.Model(patch, layers.Dense(1, activation="sigmoid", name="reversed")(x), name="model_order")


def encoder(model):
    """Up to the code."""
    return keras.Model(model.input, model.get_layer("encod").output, name="encoder")
'''
COMMANDS = '''
import generate_dataset, pretrain, pretrain_denoise, trans_train, report
from mer import MerError
generate_dataset.main(["-d", "s", "-l", "e"])
generate_dataset.main(["-d", "m", "-l", "n", "-ps", "norwegian"])
transfer = ["-s", "e", "-m", "n", "-mod", "model_order", "-rel", "n", "--set", "heads_epochs=1"]
for main, argv in ((trans_train.main, transfer), (pretrain_denoise.main, ["-s", "e", "-mod", "model_order"])):
    try:
        main(argv)
    except MerError as error:
        print(error)
pretrain.main(["-s", "e", "-mod", "model_order", "--set", "pretrain_epochs=1"])
trans_train.main(transfer)
report.main([])
'''


def corpus():
    """The example of the documentation."""
    text = (ROOT / "docs" / "corpora.md").read_text(encoding="utf-8")
    return re.search(r"## Adding a corpus.*?```python\n(.*?)```", text, re.DOTALL)[1]


def test_a_corpus_a_pretext_task_and_an_encoder_are_a_file_each(project, tmp_path):  # noqa: F811
    copy, run = project
    (copy / "mer" / "corpora" / "norwegian.py").write_text(corpus())
    (copy / "mer" / "training" / "pretexts" / "reversal.py").write_text(REVERSAL)
    (copy / "models" / "model_order.py").write_text(ORDER)
    write_music(tmp_path / "music", np.random.default_rng(4))
    songs = (tmp_path / "music" / "MER_audio_taffc_dataset").rename(copy / "norwegian")
    rows = [f"{path.relative_to(songs)},{path.parent.name},Artist {path.stem[-1]}"
            for path in sorted(songs.rglob("*.mp3"))]
    (songs / "labels_of_NAME.csv").write_text("\n".join(["path,quadrant,artist", *rows]))
    said = run("-c", COMMANDS)
    assert "run 'python3 pretrain.py -s e -mod model_order' first" in said
    about = json.loads(next((copy / "models" / "speech" / "english").glob("model_order*/run.json")).read_text())
    assert about["pretext"] == "reversal" and 0 <= about["scores"]["accuracy"] <= 1
    report = json.loads(next((copy / "models_trans" / "speech_eng_2_music_nor").glob("*/report.json")).read_text())
    assert report["bootstrap"]["unit"] == "artist"
    assert "Order" in (copy / "results" / "results.csv").read_text()
    assert "model_order is no model for this script" in said
