"""Version differences of the libraries, each a named constant."""

from __future__ import annotations

import pandas as pd

TEXT_DTYPE = "str" if int(pd.__version__.split(".")[0]) >= 3 else "string[pyarrow_numpy]"
"""Text columns with NaN for null: pandas 3 calls this dtype ``str``, pandas 2 by its storage."""
