"""Numbers in JSON, which knows neither infinity nor NaN."""

import math
from typing import Any

__all__ = ["json_fields", "json_number"]


def json_number(value: object) -> float | None:
    """Returns a float; None, JSON's null, where it is unknown (NaN) or infinite."""
    value = float(value)
    return value if math.isfinite(value) else None


def json_fields(record: Any) -> dict[str, Any]:
    """Returns the record, a named tuple, for JSON; a number that is unknown is None."""
    return {
        name: json_number(value) if isinstance(value, float) else value
        for name, value in record._asdict().items()
    }
