"""Reproducible experiments with otsort, run by the command `otsort`; they need the extra `studies`."""
