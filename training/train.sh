#!/bin/sh
# All stages, one after the other; each resumes from its checkpoint, so the same line starts and restarts everything:
#   FOVEA_RUNS=/somewhere/outside sh training/train.sh
# Pictures per stage: ENCODER, DECODER, JOINT, FORM. A stage that has seen its pictures is passed over.
set -e
here="$(dirname "$0")"
: "${FOVEA_RUNS:?name a folder outside the checkout}"
[ -f "$FOVEA_RUNS/tokenizer.json" ] || sh "$here/stage.sh" tokenizer.py "$FOVEA_RUNS"
sh "$here/stage.sh" train_encoder.py --samples "${ENCODER:-580000}"
sh "$here/stage.sh" train_decoder.py --stage decoder --samples "${DECODER:-80000}"
sh "$here/stage.sh" train_decoder.py --stage joint --samples "${JOINT:-34000}"
sh "$here/stage.sh" train_decoder.py --stage form --samples "${FORM:-7900}"
sh "$here/stage.sh" export.py "$FOVEA_RUNS/export" --stage form
