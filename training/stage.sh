#!/bin/sh
# Runs one stage in the background-friendly way: sh training/stage.sh train_encoder.py [arguments]. Needs FOVEA_RUNS.
# One thread a process (parallel.py). No trimming: pages are faulted in once.
cd "$(dirname "$0")" || exit 1
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 PYTHONUNBUFFERED=1
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
exec nice -n 19 "${PYTHON:-/usr/bin/python3}" "$@"
