"""Whether a recipe's values can be used."""

from tfkd.encodings.gaf import Gaf

TERMS = ("soft_targets", "distance", "angle", "semantic")
"""The terms of the distillation that have a weight in a recipe."""


class RecipeError(ValueError):
    """A recipe cannot be used; the message names the file, the key, the value and what is possible."""



def check(recipe, source):
    """Finds values that no run could use, before anything is read or trained.

    Raises:
        RecipeError: there is one.
    """

    def require(condition, key, value, wanted):
        if not condition:
            raise RecipeError(f"{source}: {key} is {value!r}, but must be {wanted}.")

    for key, value, known in (
        ("data.dataset", recipe.data.dataset, ("utd", "synthetic")),
        ("data.split", recipe.data.split, ("cross_subject", "cross_trial", "loso")),
        ("windows.kind", recipe.windows.kind, ("whole_trial", "stream")),
        ("teacher.kind", recipe.teacher.kind, ("fused", "skeleton", "depth", "video")),
        ("teacher.frame_network", recipe.teacher.frame_network, ("light", "bn_inception")),
        ("student.kind", recipe.student.kind, ("imu", "gaf", "resnet18")),
        ("distillation.teacher", recipe.distillation.teacher, ("live", "stored")),
    ):
        require(value in known, key, value, " or ".join(known))
    for part, least in (
        ("windows", {"length": 8, "hop": 1, "skeleton_length": 8, "channels": None}),
        ("frames", {"size": 8, "most": 2, "segments": 2, "crop": 0, "shade": 0}),
        ("teacher", {"width": 1, "dropout": 0, "embedding": 1}),
        ("student", {"width": 1, "depth": 0, "kernel": 1, "stem_kernel": 1, "stem_stride": 1, "embedding": 1}),
        ("teacher_training", {"epochs": 1, "batch_size": 2, "learning_rate": 0, "weight_decay": 0}),
        ("student_training", {"epochs": 1, "batch_size": 2, "learning_rate": 0, "weight_decay": 0}),
        ("distillation", {"label": 0, "soft_targets": 0, "distance": 0, "angle": 0, "semantic": 0}),
        ("pruning", {"sparsity": 0, "epochs": 0, "learning_rate": 0}),
        ("quantization", {"calibration_per_class": 1}),
    ):
        for key, bound in least.items():
            value = getattr(getattr(recipe, part), key)
            if bound is None:
                require(len(value) > 0, f"{part}.{key}", value, "not empty")
            else:
                require(value >= bound, f"{part}.{key}", value, f"at least {bound}")
    for key, value in (
        ("pruning.sparsity", recipe.pruning.sparsity),
        ("teacher.dropout", recipe.teacher.dropout),
        ("student.dropout", recipe.student.dropout),
    ):
        require(0 <= value < 1, key, value, "at least 0 and below 1")
    require(
        all(s >= 1 for s in recipe.student.strides), "student.strides", recipe.student.strides,
        "of at least 1 each",
    )  # fmt: skip
    _check_images(recipe, require)
    for term in recipe.ablation.terms:
        require(term in TERMS, "ablation.terms", term, " or ".join(TERMS))
    frames = recipe.frames
    require(frames.segments <= frames.most, "frames.segments", frames.segments, f"at most frames.most, {frames.most}")
    require(frames.crop <= frames.size, "frames.crop", frames.crop, f"at most frames.size, {frames.size}")
    d = recipe.distillation
    require(d.temperature > 0, "distillation.temperature", d.temperature, "above 0")
    require(
        d.soft_targets + d.distance + d.angle + d.semantic > 0, "distillation", d,
        "a part in which at least one of soft_targets, distance, angle and semantic is above 0",
    )  # fmt: skip
    require(
        d.teacher == "live" or not recipe.augmentation.changes_what_happened,
        "distillation.teacher", d.teacher,
        "live, because the augmentation moves time or mixes samples",
    )  # fmt: skip
    if recipe.data.split == "loso":
        require(
            recipe.data.test_subject > 0,
            "data.test_subject",
            recipe.data.test_subject,
            "the number of the person left out",
        )


def _check_images(recipe, require):
    student = recipe.student
    if student.kind == "imu":
        require(not recipe.ablation.raw_signal, "ablation.raw_signal", True, "false where student.kind is imu already")
        return
    smallest = {"gaf": 8, "resnet18": 32}[student.kind]
    require(
        smallest <= student.image_size <= recipe.windows.length, "student.image_size", student.image_size,
        f"from {smallest} to windows.length, {recipe.windows.length}",
    )  # fmt: skip
    try:
        encoding = Gaf.parse(student.encoding, student.image_size)
    except ValueError:  # a range that is none
        encoding = None
    require(
        encoding is not None, "student.encoding", student.encoding,
        "gasf or gadf, with a range if wished, as in 'gasf -3 3'",
    )  # fmt: skip
