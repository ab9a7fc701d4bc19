"""Wraps the packages that are compared, one module for each. Modules are imported only when they are needed.

A module has `FRAMEWORK` and `operators(variant)`, which maps names to functions `(x, temperature, **options) -> result`
on arrays of that framework, with lists along the last axis. They follow the conventions of otsort: ranks start at 1 for
the smallest value, sorted values are ascending, and top-k values start with the largest. Operators that a package lacks
are missing. Options of otsort are passed on to the function of the package, which may not know them. The option of
`sort_by` is `values`, that of the top-k operators is `k`, and that of quantiles is `q`.
"""
