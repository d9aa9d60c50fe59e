"""What each value of a contract may be."""

import numbers
import re

import numpy as np

FORMAT = 2
WINDOWINGS = ("whole_trial", "stream")
_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


class ContractError(ValueError):
    """A contract is wrong; the message names the file, the key and the value."""


def _text(value):
    # NUL would end a C string early, and a lone surrogate has no UTF-8.
    if not isinstance(value, str) or not value or re.search("[\0\ud800-\udfff]", value):
        raise ContractError(f"must be a text without NUL, not {value!r}")
    return value


def _integer(low, high=2**31 - 1):
    def check(value):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise ContractError(f"must be an integer, not {value!r}")
        if not low <= value <= high:
            raise ContractError(f"must be in [{low}, {high}], not {value!r}")
        return int(value)

    return check


def _number(value):
    # Compared rather than converted first: JSON integers can be too long for a float.
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not abs(value) <= _LARGEST_FLOAT32:
        raise ContractError(f"must be a finite number within float32, not {value!r}")
    return float(value)


def _positive(value):
    value = _number(value)
    # Firmware computes in float32: what is zero there must not get this far.
    if np.float32(value) <= 0:
        raise ContractError(f"must be above zero in float32, not {value!r}")
    return value


def _rate(value):
    return None if value is None else _positive(value)


def _choice(*choices):
    def check(value):
        if isinstance(value, bool) or value not in choices:
            raise ContractError(f"must be one of {list(choices)}, not {value!r}")
        return choices[choices.index(value)]

    return check


def _list(check, unique=False):
    def check_list(values):
        # A set has no order, and labels and channels mean something by theirs.
        if isinstance(values, str | dict | set | frozenset) or not hasattr(values, "__iter__"):
            raise ContractError(f"must be a list, not {values!r}")
        checked = tuple(check(value) for value in values)
        if not checked:
            raise ContractError("must not be empty")
        if unique and len(set(checked)) != len(checked):
            raise ContractError(f"has an entry twice: {list(checked)}")
        return checked

    return check_list


def _shape(values):
    shape = _list(_integer(1))(values)
    if shape[0] != 1 or len(shape) < 2:
        raise ContractError(f"must begin with a batch of 1, not {list(shape)}")
    return shape


def _sha256(value):
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ContractError(f"must be 64 lower-case hexadecimal digits, not {value!r}")
    return value


CHECKS = {
    "format": _choice(FORMAT),
    "dataset": _text,
    "split": _text,
    "windowing": _choice(*WINDOWINGS),
    "sample_rate_hz": _rate,
    "window": _integer(1),
    "hop": _integer(1),
    "channels": _list(_text, unique=True),
    "units": _list(_text),
    "mean": _list(_number),
    "scale": _list(_positive),
    "encoding": _text,
    "input_shape": _shape,
    "input_scale": _positive,
    "input_zero_point": _integer(-128, 127),
    "output_scale": _positive,
    "output_zero_point": _integer(-128, 127),
    "labels": _list(_text, unique=True),
    "arena_bytes": _integer(1),
    "operators": _list(_text, unique=True),
    "model_sha256": _sha256,
    "memory": _integer(0),
}
"""Key -> function that returns its value as the contract keeps it, or raises a `ContractError`."""
