"""`python -m otsort_studies` is the command `otsort`."""

from .cli import main

main()
