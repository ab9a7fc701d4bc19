"""Compression of long lists: measures with few points replace those with many, and tables replace smooth functions.

`cells` and `panels` compress the inputs and the targets. `knots` and `interpolant` tabulate functions, `sketch` decides
where they are evaluated, and `compress` makes the small problem of all of these. `dual` evaluates that problem for a
solver, and `plan` answers for all inputs and targets.
"""
