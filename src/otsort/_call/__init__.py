"""The path from what a user typed to the transport plan of every list, and back to one array.

A *list* is what one problem sorts: the values along the axis of an operator, one row of a *batch*. A *reading* is the
part of an operator that takes its answer from the plan of a list.

The batching contract: arrays of one list have shape `(n,)` or `(n, m)`. Many short lists that are solved together stand
in one more last axis, written `*lists` in types. Everything on the way of `Newton` accepts that axis: `OneList`,
`Transport`, readings, `Problem`, `SemiDual`, `Linearised` and `EntropicPlan`. Other solvers and plans, without `*lists`
in their types, see one list under `jax.vmap`.
"""

from .axes import Axes as Axes
from .axes import Dims as Dims
from .axes import of_each_list as of_each_list
from .axes import of_each_value as of_each_value
from .axes import of_new_axis as of_new_axis
from .axes import of_rows_of_each_list as of_rows_of_each_list
from .batch import Batch as Batch
from .one_list import AbstractListFunction as AbstractListFunction
from .one_list import OneList as OneList
from .options import Options as Options
from .reading import AbstractReading as AbstractReading
from .solve import solve as solve
from .transport import Transport as Transport
