#!/usr/bin/env bash
# The whole main job on a small synthetic corpus, through the very scripts that a user runs.
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
export MER_PRETRAIN_EPOCHS=3 MER_PRETRAIN_BATCH_PATCHES=16 MER_CPC_BATCH_SEQUENCES=8 MER_CPC_HOP_PATCHES=3
export MER_HEADS_EPOCHS=8 MER_HEADS_BATCH_PATCHES=128 MER_FULL_EPOCHS=2 MER_FULL_BATCH_PATCHES=64

total=20
number=0
step() {
  number=$((number + 1))
  printf '\n== %d/%d (%d s): %s\n' "$number" "$total" "$((SECONDS - started))" "$1"
  shift
  printf "   python3 %s\n" "$*"
  python3 "$@"
}

step "make the demo corpus: synthetic speech and music" make_demo_corpus.py

step "English speech -> log-mel" generate_dataset.py -d s -l e
step "Mandarin speech -> log-mel" generate_dataset.py -d s -l m
step "mixture of both" generate_dataset.py -d s -l x
step "music with English lyrics -> log-mel" generate_dataset.py -d m -l e
step "music with Mandarin lyrics -> log-mel" generate_dataset.py -d m -l m

for speech in e m x; do
  step "pretrain SCAE on speech $speech" pretrain_denoise.py -s $speech -mod model_scae
  step "pretrain CPC on speech $speech" pretrain_cpc.py -s $speech -mod model_cpc
done
# -rel y trains the heads first and keeps that model too, so it is Feat. Ext. and Full in one
step "transfer SCAE English -> English, Feat. Ext. and Full" \
  trans_train_denoise_multi.py -s e -m e -mod model_scae -rel y
step "transfer CPC English -> English, Feat. Ext. and Full" trans_train_cpc_multi.py -s e -m e -mod model_cpc -rel y
step "transfer SCAE Mandarin -> Mandarin, Feat. Ext." trans_train_denoise_multi.py -s m -m m -mod model_scae -rel n
step "transfer CPC Mandarin -> Mandarin, Feat. Ext." trans_train_cpc_multi.py -s m -m m -mod model_cpc -rel n
step "transfer SCAE mix -> English, Feat. Ext." trans_train_denoise_multi.py -s x -m e -mod model_scae -rel n
step "transfer CPC mix -> English, Feat. Ext." trans_train_cpc_multi.py -s x -m e -mod model_cpc -rel n
step "baseline without speech" trans_train_denoise_multi.py -s e -m e -mod model_cnn -rel n --set scratch_epochs=2
step "gather all reports" report.py

cat <<END

== done in $((SECONDS - started)) s. Where to look:
   demo/data                       listen to it: LibriSpeech, data_aishell, MER_audio_taffc_dataset, CH818
   demo/results/index.html         every result on one page (open it in a browser)
   demo/results/results.csv        the same as a table
   demo/models_trans/*/*/          per transfer: report.txt, confusion.png, learning_curves.png, predictions.csv
   hear one:                       python3 quad_pred.py -s e -m e -i demo/data/MER_audio_taffc_dataset/Q1 -o demo/heard
   These numbers come from a synthetic corpus and say nothing about people.
   Next: set path_to_data in settings.py to your corpora; README.md tells how.
END
