#!/bin/sh
# Runs one stage in the background-friendly way: sh training/stage.sh train_encoder.py [arguments]. Needs FOVEA_RUNS.
# Passive waiting: a competing process must not make the other thread spin. No trimming: pages are faulted in once.
cd "$(dirname "$0")" || exit 1
export OMP_WAIT_POLICY=passive MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 PYTHONUNBUFFERED=1
exec nice -n 19 "${PYTHON:-/usr/bin/python3}" "$@"
