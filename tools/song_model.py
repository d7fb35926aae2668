"""The model that comes along: copy it into the program, and say what it is worth, from a cross-validation.

    python3 tools/song_model.py MODEL.onnx models_trans/.../NAME.folds_5.linear models_trans/.../NAME.linear

MODEL.onnx is what export.py wrote; the first folder is the report on all folds, the second the run that was exported.
Writes mer/prediction/song_model.onnx and .json, and docs/song_model.md, a model card in the format of Hugging Face.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mer import files  # noqa: E402
from mer.weights.catalogue import SONG_MODEL  # noqa: E402

CARD = Path(__file__).with_name("song_model_card.md")


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "folds", "run"):
        flags.add_argument(name, type=Path)
    args = flags.parse_args()
    folds, run = (json.loads((folder / name).read_text(encoding="utf-8"))
                  for folder, name in ((args.folds, "report.json"), (args.run, "run.json")))
    if args.model.resolve() != SONG_MODEL:
        shutil.copyfile(args.model, SONG_MODEL)
    scores = folds["clip"]
    known = {"sha256": files.sha256(SONG_MODEL), "heard": run["encoder"]["heard"],
             "learned_from": f"{run['clips']['train'] + run['clips']['val']} clips of 4Q-Emotion",
             "held_out": {task: {"accuracy": score["accuracy"], "low": score["intervals"]["accuracy"][0],
                                 "high": score["intervals"]["accuracy"][1]} for task, score in scores.items()}}
    files.write_json(SONG_MODEL.with_suffix(".json"), known)
    told = {name: run["certainty"]["familiar"]["speech"][name] for name in ("found", "false_alarms")}
    rows = []
    for task, score in scores.items():
        cells = [f"{score[name]:.2f} [{low:.2f}, {high:.2f}]" for name in ("accuracy", "f1_macro")
                 for low, high in [score["intervals"][name]]]
        sure = score["certainty"]
        cells += [f"{value:.2f}" for value in (sure["accuracy_at"]["0.75"], sure["expected_error"],
                                               sure["error_by_chance"])]
        rows.append(f"| {task} | {' | '.join(cells)} |")
    files.write_text(ROOT / "docs" / "song_model.md", CARD.read_text(encoding="utf-8").format(
        rows="\n".join(rows), clips=folds["test"]["clips"], groups=folds["test"]["groups"],
        share=round(100 * run["certainty"]["familiar"]["share"]), **known, **told))


if __name__ == "__main__":
    main()
