"""What the losses are given must belong together: arrays of unequal shapes would be stretched to each other."""


def check_alike(what, teacher, student, axes=slice(None)):
    """Refuses two tensors of different shapes, as far as these are known.

    Args:
        what: beginning of the message, up to "got teacher ... and student ...".
        teacher, student: tensors.
        axes: slice of those that have to be equal, where not all.

    Raises:
        ValueError: they differ in rank or in one of these axes.
    """
    shapes = teacher.shape, student.shape
    if any(getattr(shape, "rank", 0) is None for shape in shapes):
        return
    told, said = map(tuple, shapes)
    pairs = zip(told[axes], said[axes])
    if len(told) != len(said) or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(f"{what}, got teacher {told} and student {said}.")
