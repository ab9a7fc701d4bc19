"""Runs the command `otsort` as `python -m otsort_studies`."""

from .cli import main

main()
