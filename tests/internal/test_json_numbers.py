import json
import math
from typing import NamedTuple

import numpy as np

from tfp_ebm.internal.json_numbers import json_fields, json_number


class Record(NamedTuple):
    name: str
    count: int
    value: float
    error: float


def test_what_json_does_not_know_is_null():
    assert json_number(np.float32(0.5)) == 0.5
    assert json_number(math.nan) is None and json_number(-math.inf) is None
    fields = json_fields(Record("a", 3, np.float64(2.5), math.nan))
    assert json.dumps(fields, allow_nan=False) == (
        '{"name": "a", "count": 3, "value": 2.5, "error": null}'
    )
