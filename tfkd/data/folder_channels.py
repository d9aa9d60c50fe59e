"""What the names of an IMU's channels say: which sensor, which axis, what is measured."""

import re

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_RUN_ON = re.compile(r"(.*[a-z0-9])([XYZ])|((?i:.*(?:acc|gyro?)))([xyzXYZ])")  # accX, wristGyroZ; accx, GYRX


def plain(name):
    """A channel's name with its axis written as in acc_x: of Acc_X it is Acc_x, of accX acc_x."""
    if name[-2:].lower() in ("_x", "_y", "_z"):
        return name[:-1] + name[-1].lower()
    if match := _RUN_ON.fullmatch(name):
        sensor, axis = (part for part in match.groups() if part)
        return f"{_HUMP.sub('_', sensor)}_{axis.lower()}"
    return name


def words(name):
    """The words of a name in small letters: of wristAcc_x they are wrist, acc, x."""
    return _HUMP.sub("_", name).lower().split("_")


def side_by_side(names):
    """The names with x, y and z of a sensor in a row, as augmentation turns them; those of no triple come last."""
    triples = [name for axes in triples_of(names) for name in axes]
    return [*triples, *(name for name in names if name not in triples)]


def triples_of(names):
    """The names of x, y and z of each sensor that has all three."""
    sensors = dict.fromkeys(name[:-2] for name in names if name[-2:] in ("_x", "_y", "_z"))
    triples = [[f"{sensor}_{axis}" for axis in "xyz"] for sensor in sensors]
    return [axes for axes in triples if set(axes) <= set(names)]
