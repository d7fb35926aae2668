#!/usr/bin/env bash
# The whole job on a small synthetic corpus, through the very scripts that a user runs.
# Run it again: what is there is reused. Everything it makes is in demo/; delete that folder to start over.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. tools/environment.sh
make_environment requirements.txt requirements-demo.txt requirements-demo-nodeps.txt
PATH="$PWD/.venv/bin:$PATH"
started=$SECONDS

# Short training, so that two cores are done in minutes; a real run uses the values of settings.py.
export MER_PATH_TO_DATA=demo/data
export MER_PATH_SPEECH_ENGLISH= MER_PATH_SPEECH_MANDARIN= MER_PATH_MUSIC_ENGLISH= MER_PATH_MUSIC_MANDARIN=
export MER_PRETRAIN_EPOCHS=2 MER_PRETRAIN_BATCH_PATCHES=16 MER_CPC_BATCH_SEQUENCES=8 MER_CPC_HOP_PATCHES=3
export MER_HEADS_EPOCHS=8 MER_HEADS_BATCH_PATCHES=128 MER_FULL_EPOCHS=1 MER_FULL_BATCH_PATCHES=64

mkdir -p demo
log=demo/demo.log
: > "$log"
total=$(grep -c '^step ' demo.sh)
number=0
trap 'echo; echo "stopped; bash demo.sh goes on from here" >&2; exit 130' INT

# One line a step: how far the demo is, what is done, the command. Everything that the command prints goes to the log.
step() {
  local title=$1 begin=$SECONDS bar
  shift
  number=$((number + 1))
  bar=$(printf '%*s' "$number" '' | tr ' ' '#')$(printf '%*s' "$((total - number))" '' | tr ' ' '-')
  printf '[%s] %2d/%d  %-44s python3 %s' "$bar" "$number" "$total" "$title" "$*"
  printf '\n== python3 %s\n' "$*" >> "$log"
  if ! python3 "$@" >> "$log" 2>&1; then
    printf '\nerror: this step failed; %s ends with:\n' "$log" >&2
    tail -n 15 "$log" >&2
    exit 1
  fi
  printf '  (%d s)\n' "$((SECONDS - begin))"
}

step "make the synthetic speech and music" make_demo_corpus.py
step "English speech -> log-mel" generate_dataset.py -d s -l e
step "Mandarin speech -> log-mel" generate_dataset.py -d s -l m
step "mixture of both" generate_dataset.py -d s -l x
step "music with English lyrics -> log-mel" generate_dataset.py -d m -l e
step "music with Mandarin lyrics -> log-mel" generate_dataset.py -d m -l m
step "pretrain SCAE on English speech" pretrain_denoise.py -s e -mod model_scae
step "pretrain CPC on Mandarin speech" pretrain_cpc.py -s m -mod model_cpc
step "pretrain CPC on both languages" pretrain_cpc.py -s x -mod model_cpc
# -rel y trains the heads first and keeps that model too, so it is Feat. Ext. and Full in one
step "SCAE: English speech -> English music" trans_train_denoise_multi.py -s e -m e -mod model_scae -rel y
step "CPC: Mandarin speech -> Mandarin music" trans_train_cpc_multi.py -s m -m m -mod model_cpc -rel n
step "CPC: both languages -> English music" trans_train_cpc_multi.py -s x -m e -mod model_cpc -rel n
step "gather all reports" report.py
step "analyze a song of the demo corpus" quad_pred.py -s e -m e -i demo/data/MER_audio_taffc_dataset/Q1 -o demo/heard --force

python3 - "$log" <<'PYTHON'
import csv, re, sys
from pathlib import Path

def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))

print("\nThe songs of Q1 (high arousal, high valence) as the model hears them; some of them were in its training set:\n"
      "  song             heard as   arousal  valence   (-1 to 1)")
songs = [row for row in table("demo/heard/summary.csv") if row["status"] == "ok"]
for song in songs:
    heard = song["quadrant"]
    print(f"  {Path(song['file']).stem:15}  {heard} {float(song[heard]):4.0%}   {float(song['arousal']):+7.2f}  "
          f"{float(song['valence']):+7.2f}")
log = Path(sys.argv[1]).read_text(encoding="utf-8")
page, results = (re.findall(rf"^  {kind} +(.+)$", log, re.M)[-1] for kind in ("page", "table"))
rows = {}
for row in table(results):
    title = f"{row['model']} {row['config']}", f"{row['pretrain'].removeprefix(chr(39))} -> {row['music']}"
    rows.setdefault(title, {})[row["task"]] = f"{float(row['F']):.2f} ({float(row['chance_F']):.2f})"
tasks = list(next(iter(rows.values())))
print("\nWhat the transfers are worth on their test songs: weighted F1 (in brackets: the best guess)\n"
      f"  {'model':23} {'speech -> music':16} " + "  ".join(f"{task:11}" for task in tasks))
for (model, languages), scores in rows.items():
    print(f"  {model:23} {languages:16} " + "  ".join(f"{scores.get(task, ''):11}" for task in tasks))
print(f"\n{len(songs)} pictures and tables: demo/heard\nEverything else: {page}")
PYTHON
printf 'Results on synthetic sound say nothing about people. Done in %d s.\n' "$((SECONDS - started))"
