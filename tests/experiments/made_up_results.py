"""Results of a plan that nobody ran: reports of made-up predictions, where the runs of its cells would be."""

import json

from made_up import RUN, predictions

from mer import cli
from mer.evaluation import report
from mer.experiments import places, plan

TEXT = """
title = "Does a <made-up> encoder hear more?"
question = "Is what was made better than what was drawn?"

[all]
encoder = "model_scae"
mode = "Feat. Ext."
language = "e"
music = "e"
runs = 3

[[cells]]
heard = ["speech", "random"]

[[cells]]
encoder = "model_cnn"

[[hypotheses]]
name = "made > drawn"
sentence = "It helps: the encoder is better than the same one with random weights."
one = { heard = "speech" }
other = { heard = "random" }
paired_by = ["encoder"]

[[hypotheses]]
name = "made > scratch"
sentence = "It helps: the encoder is better than a model without one."
one = { heard = "speech" }
other = { encoder = "model_cnn" }
paired_by = ["seed"]
"""
SKILLS = {"speech": 1.1, "random": 0.3, "nothing": 1.0}  # how much the made-up outputs know
N_CLIPS, CLIPS_OF_AN_ARTIST = 96, 4


def settings(folder):
    """Settings whose paths lie below a folder."""
    return [f"path_to_{name}={folder / name}" for name in ("models", "models_trans", "results")]


def made(folder, *, lacking=(), n=None):
    """Write the plan and the results of its first `n` cells but those in `lacking`: its path, the plan, settings."""
    path = folder / "small.toml"
    path.write_text(TEXT, encoding="utf-8")
    read, cfg = plan.read(path), cli.configure(settings(folder), announce=False)
    for number, cell in enumerate(read.cells[:n]):
        if cell.name not in lacking:
            write(cell, cfg, seed=number)
    return path, read, cfg


def write(cell, cfg, *, seed):
    """The result of one cell."""
    facts, folder = cell.facts, places.report(cell.facts, cfg)
    data = predictions(n_clips=N_CLIPS, n_patches=2, skill=SKILLS[facts["heard"]], seed=seed)
    about = {**RUN, "it": facts["seed"], "seed": facts["seed"] + 1, "corpus": "real", "release": "n", "settings": {},
             "encoder": {"sha256": f"{facts['heard']} {facts['seed']}"}, "hours": None,
             "heard": facts["heard"], "command": ["python3", *cell.commands[-1]]}
    if facts["heard"] == "nothing":
        about |= {"encoder": None, "speech": None, "speech_abbr": None, "release": None, "title": "CNN"}
    artists = [f"artist {number // CLIPS_OF_AN_ARTIST}" for number in range(N_CLIPS)]
    report.write(folder, **{**data, "run": about}, groups=artists, grouped_by="artist", pictures=False)
    (folder / "run.json").write_text(json.dumps(about), encoding="utf-8")
