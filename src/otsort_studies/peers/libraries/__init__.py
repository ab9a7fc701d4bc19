"""The packages that are compared, a module each, imported only when they are asked for.

A module has `FRAMEWORK` and `operators(variant)`: the functions `(x, temperature, **options) -> answer` on arrays of
that framework, lists along the last axis, in the conventions of otsort: ranks from 1 for the least, sorted values
ascending, the largest values first. What a package lacks is not there. Options of otsort go on to the package's own
function, which may not know them; those of `sort_by` and of the top-k are `values` and `k`, of quantiles `q`.
"""
