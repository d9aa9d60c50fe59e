"""dataset.toml: what a folder of one's own recordings says beyond the files in it. All of it is optional."""

import dataclasses
import difflib
import math
import re
import tomllib
from pathlib import Path

from tfkd.data.folder_channels import plain, words
from tfkd.data.folder_files import plain_text
from tfkd.data.recordings import DataError

G = 9.80665
UNITS = {
    "acc": {"g": 1.0, "mg": 1e-3, "m/s2": 1 / G},
    "gyro": {"deg/s": 1.0, "mdeg/s": 1e-3, "rad/s": math.degrees(1)},
    "skeleton": {"m": 1.0, "cm": 1e-2, "mm": 1e-3},
}
"""What is measured -> unit in the files -> factor to the unit in tfkd, which is the first."""


@dataclasses.dataclass(frozen=True)
class Imu:
    """`units` by word of the channels' names; `channels`, where not all columns of the files are to be read."""

    rate_hz: float | None = None
    units: dict[str, str] = dataclasses.field(default_factory=dict)
    channels: tuple[str, ...] = ()

    def unit(self, channel):
        """The unit of a channel as it is read, and the factor that brings the files' numbers to it."""
        kind, told = _kind(channel), self.units.get(self.key(channel))
        if kind is None:
            return told or "as recorded", 1.0
        ours = next(iter(UNITS[kind]))
        return ours, UNITS[kind][told or ours]

    def key(self, channel):
        """The key of `units` that is about a channel, or `None`."""
        kind, names = _kind(channel), (channel.lower(), *words(channel))
        return next((key for key in self.units if (key == kind if kind else plain(key).lower() in names)), None)


def _kind(channel):
    """What a channel measures, if a word of its name tells."""
    for kind, beginning in (("acc", "acc"), ("gyro", "gyr")):
        if any(word.startswith(beginning) for word in words(channel)):
            return kind
    return None


@dataclasses.dataclass(frozen=True)
class Skeleton:
    """`bones` are pairs of joints; `hip` and `neck` say which joints tfkd calls hip_center and shoulder_center."""

    rate_hz: float | None = None
    units: str = "m"
    bones: tuple[tuple[str, str], ...] = ()
    hip: str = "hip_center"
    neck: str = "shoulder_center"


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Values of a column of recordings.csv on either side."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    by: str = "subject"


@dataclasses.dataclass(frozen=True)
class Settings:
    """All of the file."""

    name: str = "folder"
    classes: tuple[str, ...] = ()
    imu: Imu = Imu()
    skeleton: Skeleton = Skeleton()
    protocols: dict[str, Protocol] = dataclasses.field(default_factory=dict)


def load_settings(path):
    """The `Settings` of a dataset.toml; the usual ones where there is none.

    Raises:
        DataError: the file is no TOML, or a key or value is wrong; it is named.
    """
    path = Path(path)
    if not path.exists():
        return Settings()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no UTF-8 text: save it as such. ({error})") from error
    except (OSError, ValueError) as error:  # the latter: no TOML
        raise DataError(f"{path} cannot be read as TOML: {error}") from error
    return _Parser(path).settings(values)


class _Parser:
    def __init__(self, path):
        self.path = path

    def settings(self, values):
        known = {"name": _text, "classes": _classes, "imu": self.imu, "skeleton": self.skeleton}
        settings = Settings(**self._values(values, {**known, "protocols": self.protocols}, ""))
        self._require(re.fullmatch(r"\w[\w .-]*", settings.name), "name", settings.name, "a name of letters and digits")
        self._require(len(set(settings.classes)) == len(settings.classes), "classes", settings.classes, "of each once")
        return settings

    def imu(self, values):
        imu = Imu(**self._values(values, {"rate_hz": _rate, "units": _table, "channels": _names}, "imu."))
        for word, unit in imu.units.items():
            known = UNITS.get(word) if word != "skeleton" else None
            self._require(isinstance(unit, str), f"imu.units.{word}", unit, "a string")
            self._require(known is None or unit in known, f"imu.units.{word}", unit, " or ".join(known or ()))
        channels = list(map(plain, imu.channels))
        self._require(len(set(channels)) == len(channels), "imu.channels", list(imu.channels), "of each channel once")
        clock = {"time", "time_ms"} & set(channels)
        self._require(not clock, "imu.channels", list(imu.channels), "without the clock")
        return imu

    def skeleton(self, values):
        known = {"rate_hz": _rate, "units": _text, "bones": _pairs, "hip": _text, "neck": _text}
        skeleton = Skeleton(**self._values(values, known, "skeleton."))
        units = UNITS["skeleton"]
        self._require(skeleton.units in units, "skeleton.units", skeleton.units, " or ".join(units))
        return skeleton

    def protocols(self, values):
        made = {}
        for name, sides in _table(values).items():
            where = f"protocols.{name}"
            given = self._values(_table(sides), {"train": _people, "test": _people, "by": _text}, f"{where}.")
            for side in ("train", "test"):
                self._require(given.get(side), f"{where}.{side}", list(given.get(side, ())), "a list that is not empty")
            both = sorted(set(given["train"]) & set(given["test"]))
            self._require(not both, where, both, "on one side alone")
            self._require(name != "loso", where, name, "another name: loso is always there")
            made[name] = Protocol(**given)
        return made

    def _values(self, values, known, prefix):
        parsed = {}
        for key, value in values.items():
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {prefix}{close[0]}?" if close else f"known: {', '.join(known)}."
                raise DataError(f"{self.path}: unknown key {prefix}{key}; {hint}")
            try:
                parsed[key] = known[key](value)
            except (TypeError, ValueError) as error:
                if isinstance(error, DataError):
                    raise
                raise DataError(f"{self.path}: {prefix}{key} must be {error}, got {value!r}.") from error
        return parsed

    def _require(self, condition, key, value, wanted):
        if not condition:
            raise DataError(f"{self.path}: {key} is {value!r}, but must be {wanted}.")


# What a value must be; each raises a ValueError that says it.


def _text(value):
    if not isinstance(value, str) or not value:
        raise ValueError("a string")
    return value


def _rate(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e5:
        raise ValueError("a number of samples a second")
    return float(value)


def _table(value):
    if not isinstance(value, dict):
        raise ValueError("a table")
    return value


def _names(value):
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValueError("a list of strings")
    return tuple(value)


def _classes(value):
    return tuple(map(plain_text, _names(value)))


def _people(value):
    if not isinstance(value, list) or not all(type(entry) in (str, int) for entry in value):
        raise ValueError("a list of strings or whole numbers")
    return tuple(plain_text(str(entry)) for entry in value)


def _pairs(value):
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        raise ValueError("a list of pairs of joints")
    return tuple(_names(pair) for pair in value)
