"""Who could not pay what it owed other accounts, as a table."""

from typing import Any

import numpy as np
import pandas as pd

from experiments.record.frames import account_names

FIGURES = ("step", "row", "round", "owed", "received", "paid", "unpaid", "cost", "cause")


def default_frame(model: Any) -> pd.DataFrame:
    """Return one row a default, by round: step, row, round, dollars owed, received, paid, unpaid and lost to the
    outside (cost), cause (row of the account whose default brought it down, -1 = fell by itself), account, group.

    round: 1 = could not pay although everybody paid it, g + 1 = because of defaults of round g.
    """
    defaults = model.exchange.claims.defaults
    table = pd.DataFrame([[getattr(one, name) for name in FIGURES] for one in defaults], columns=list(FIGURES))
    if not len(table):
        return table.assign(account=pd.Series(dtype=object), group=pd.Series(dtype=object))
    names, groups, _ = account_names(model)
    rows = table["row"].to_numpy()
    return table.assign(account=np.asarray(names, object)[rows], group=np.asarray(groups, object)[rows])
