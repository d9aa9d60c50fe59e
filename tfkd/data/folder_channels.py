"""What the names of an IMU's channels say: which sensor, which axis, what is measured."""


def side_by_side(names):
    """The names with x, y and z of a sensor in a row, as augmentation turns them; those of no triple come last."""
    triples = {}
    for name in names:
        axes = [f"{name[:-2]}_{axis}" for axis in "xyz"]
        if name in axes and set(axes) <= set(names):
            triples |= dict.fromkeys(axes)
    return [*triples, *(name for name in names if name not in triples)]
