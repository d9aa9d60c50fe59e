"""Dataclasses from TOML: strict about keys and types, and clear about what is wrong."""

import contextlib
import dataclasses
import difflib
import json
import math
import re
import tomllib

from tfkd.recipe_check import RecipeError


def parse(kind, values, source, prefix=""):
    """A dataclass from the dictionary that TOML gave, its fields and theirs by name and type.

    Args:
        kind: the dataclass.
        values: the dictionary.
        source: the file's name, for messages.
        prefix: where in the file, likewise.

    Raises:
        RecipeError: a key is unknown, or a value is of another type.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    parsed = {}
    for key, value in values.items():
        if key not in fields:
            close = difflib.get_close_matches(key, fields, 1)
            hint = f"; did you mean {prefix}{close[0]}?" if close else f"; known: {', '.join(fields)}."
            raise RecipeError(f"{source}: unknown key {prefix}{key}{hint}")
        parsed[key] = _value(fields[key].type, value, source, prefix + key)
    try:
        return kind(**parsed)
    except ValueError as error:  # a part that checks itself, such as Augmentation
        raise RecipeError(f"{source}: {prefix.rstrip('.')}: {error}") from error


def _value(kind, value, source, key):
    if dataclasses.is_dataclass(kind):
        if isinstance(value, dict):
            return parse(kind, value, source, f"{key}.")
        wanted = "a table"
    elif kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
        wanted = "a finite number"
    elif kind in (int, str, bool) and type(value) is kind:
        return value
    elif hasattr(kind, "__args__"):
        entry = kind.__args__[0]
        if isinstance(value, (list, tuple)):
            return tuple(_value(entry, v, source, f"{key}[{i}]") for i, v in enumerate(value))
        wanted = f"a list of {entry.__name__}"
    else:
        wanted = {float: "a number", int: "a whole number", str: "a string", bool: "true or false"}[kind]
    raise RecipeError(f"{source}: {key} must be {wanted}, got {value!r}.")


def change(values, text):
    """Puts a setting, `"data.labelled_subjects=[1, 3]"`, in place of what `values` hold.

    A word needs no quotes, not even in a list: `"windows.channels=[acc_x, acc_y]"`.

    Raises:
        RecipeError: the text has another form, or names a section that is none.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    if not (key and equals and value):
        raise RecipeError(f"The change {text!r} must have the form section.key=value.")
    for written in (value, _WORDS.sub(_quoted, value)):
        with contextlib.suppress(tomllib.TOMLDecodeError):  # then there are words in it
            value = tomllib.loads(f"value = {written}")["value"]
            break
    *parts, last = key.split(".")
    for part in parts:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise RecipeError(f"The change {text!r} names {part}, which is no section of a recipe.")
    values[last] = value


# What stands between the brackets and commas of a list; commas within quotes are none.
_WORDS = re.compile(r"""\"[^"]*\"|'[^']*'|[^\[\],"'\s][^\[\],"']*""")


def _quoted(match):
    text = match[0].strip()
    try:
        tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return json.dumps(text)
    return text
