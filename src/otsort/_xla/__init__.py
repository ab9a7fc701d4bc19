"""Functions that exist only for the compiler, or for the rules of `jax.vmap` and derivatives.

Their names say what they return. `plain.py` has an equivalent of each in ordinary JAX, and is the place to read what it
computes. If the environment variable `OTSORT_PLAIN` is set to 1 when otsort is imported, the equivalents are used. They
give the same answers, but they are slower and hold a whole batch in memory. Loops over constants in `jax.shard_map`,
and explicit meshes, do not work with them. From JAX 0.12 on, they use no internal interface of JAX; before, `with_jvp`
does.

`layout.py` and `division.py` are ordinary JAX, and are used in both cases.
"""

import os

from .division import quotient as quotient
from .layout import lists_last as lists_last
from .layout import per_target as per_target
from .layout import select_lists as select_lists
from .layout import with_axes as with_axes

if os.environ.get("OTSORT_PLAIN", "0") in ("", "0"):
    from .chunks import at_once as at_once
    from .chunks import kept as kept
    from .for_each_list import for_each_list as for_each_list
    from .loops import anywhere as anywhere
    from .loops import largest_anywhere as largest_anywhere
    from .materialised import materialised as materialised
    from .matrices import factorise as factorise
    from .matrices import matmul as matmul
    from .matrices import matvec as matvec
    from .matrices import solve_factorised as solve_factorised
    from .matrices import transposed as transposed
    from .matrices import weighted_sum as weighted_sum
    from .sharding import on_any_mesh as on_any_mesh
    from .sharding import varying_as as varying_as
    from .sums import max_along as max_along
    from .sums import repeat_along as repeat_along
    from .sums import sum_along as sum_along
    from .with_jvp import with_jvp as with_jvp
else:
    from .plain import anywhere as anywhere
    from .plain import at_once as at_once
    from .plain import factorise as factorise
    from .plain import for_each_list as for_each_list
    from .plain import kept as kept
    from .plain import largest_anywhere as largest_anywhere
    from .plain import materialised as materialised
    from .plain import matmul as matmul
    from .plain import matvec as matvec
    from .plain import max_along as max_along
    from .plain import on_any_mesh as on_any_mesh
    from .plain import repeat_along as repeat_along
    from .plain import solve_factorised as solve_factorised
    from .plain import sum_along as sum_along
    from .plain import transposed as transposed
    from .plain import varying_as as varying_as
    from .plain import weighted_sum as weighted_sum
    from .plain import with_jvp as with_jvp
