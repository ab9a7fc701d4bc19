"""Reproducible experiments on otsort, behind the command `otsort`; they need its extra `studies`."""
