"""Whether a recipe's values can be used."""

import math

from tfkd.compress import Pattern
from tfkd.data import datasets
from tfkd.deploy.cost import fitted
from tfkd.encodings.gaf import Gaf
from tfkd.losses.adaptive import SELECTIONS

TERMS = ("soft_targets", "distance", "angle", "semantic")
"""The terms of the distillation that have a weight in a recipe."""

METHODS = ("single", "dask")
"""What a recipe can compare its method with, besides labels alone."""


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
        ("data.dataset", recipe.data.dataset, datasets.NAMES),
        ("windows.kind", recipe.windows.kind, ("whole_trial", "stream", "continuous")),
        ("student.kind", recipe.student.kind, ("imu", "causal", "gaf", "resnet18")),
        ("channels.importance", recipe.channels.importance, ("gradient", "weights", "activations")),
        ("distillation.teacher", recipe.distillation.teacher, ("live", "stored")),
    ):
        require(value in known, key, value, " or ".join(known))
    _check_data(recipe.data, require)
    for part, least in (
        ("windows", {"length": 8, "hop": 1, "skeleton_length": 8}),
        ("frames", {"size": 8, "most": 2, "segments": 2, "crop": 0, "shade": 0}),
        ("student", {"width": 1, "depth": 0, "kernel": 1, "stem_kernel": 1, "stem_stride": 1, "embedding": 1}),
        ("teacher_training", {"epochs": 1, "batch_size": 2, "learning_rate": 0, "weight_decay": 0}),
        ("student_training", {"epochs": 1, "batch_size": 2, "learning_rate": 0, "weight_decay": 0}),
        ("distillation", {"label": 0, "soft_targets": 0, "distance": 0, "angle": 0, "semantic": 0}),
        ("channels", {"multiple": 1, "epochs": 1, "learning_rate": 0, "flash_kb": 0, "ram_kb": 0, "instructions": 0}),
        ("pruning", {"sparsity": 0, "epochs": 0, "learning_rate": 0}),
        ("quantization", {"calibration_per_class": 1, "aware_epochs": 0, "aware_learning_rate": 0}),
    ):
        for key, bound in least.items():
            value = getattr(getattr(recipe, part), key)
            require(value >= bound, f"{part}.{key}", value, f"at least {bound}")
    windows = recipe.windows
    require(
        windows.kind == "whole_trial" or windows.hop <= windows.length, "windows.hop", windows.hop,
        f"at most windows.length, {windows.length}: samples between two windows would never be seen",
    )  # fmt: skip
    for key, value in (
        ("pruning.sparsity", recipe.pruning.sparsity),
        ("student.dropout", recipe.student.dropout),
    ):
        require(0 <= value < 1, key, value, "at least 0 and below 1")
    percentile = recipe.quantization.percentile
    aware = recipe.quantization.aware_epochs
    require(
        not (aware and recipe.pruning.sparsity and recipe.pruning.epochs), "quantization.aware_epochs", aware,
        "0 where pruning.sparsity is above 0: the zeros would fill up again",
    )  # fmt: skip
    bits = recipe.quantization.weight_bits
    require(bits in (8, 4), "quantization.weight_bits", bits, "8 or 4")
    require(
        bits == 8 or aware, "quantization.weight_bits", bits,
        "8 where quantization.aware_epochs is 0: four bits need training (20 epochs, say)",
    )  # fmt: skip
    require(50 < percentile <= 100, "quantization.percentile", percentile, "above 50 and at most 100")
    require(0 <= recipe.windows.decide_at <= 1, "windows.decide_at", recipe.windows.decide_at, "from 0 to 1")
    require(
        all(s >= 1 for s in recipe.student.strides), "student.strides", recipe.student.strides,
        "of at least 1 each",
    )  # fmt: skip
    sizes = recipe.channels.weight_kb
    falling = all(size > 0 for size in sizes) and list(sizes) == sorted(set(sizes), reverse=True)
    require(falling, "channels.weight_kb", sizes, "of sizes above 0, each smaller than the one before")
    for key in ("flash_kb", "ram_kb", "instructions"):
        limit = getattr(recipe.channels, key)
        require(sizes or not limit, f"channels.{key}", limit, "0 where channels.weight_kb names no size to begin at")
    for part in ("channels", "pruning"):
        _check_engine(part, getattr(recipe, part), require)
    _check_pruning(recipe.pruning, require)
    _check_images(recipe, require)
    _check_causal(recipe, require)
    _check_teachers(recipe, require)
    _check_pskd(recipe, require)
    for key, known in (("terms", TERMS), ("methods", METHODS)):
        for value in getattr(recipe.ablation, key):
            require(value in known, f"ablation.{key}", value, " or ".join(known))
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


def _check_data(data, require):
    if data.dataset != "folder":  # whose protocols stand in its own files
        known = [*datasets.protocols(data.dataset), "loso"]
        require(data.split in known, "data.split", data.split, f"{' or '.join(known)} (of {data.dataset})")
    if data.split == "loso":
        require(data.test_subject > 0, "data.test_subject", data.test_subject, "the number of the person left out")
    require(
        not data.sensors or data.dataset in datasets.CHOOSE_SENSORS, "data.sensors", data.sensors,
        f"empty, but for {' or '.join(datasets.CHOOSE_SENSORS)}",
    )  # fmt: skip
    known = datasets.sensors(data.dataset)
    for sensor in data.sensors:
        require(sensor in known, "data.sensors", sensor, f"{' or '.join(known)} (of {data.dataset})")
    require(len(set(data.sensors)) == len(data.sensors), "data.sensors", data.sensors, "of sensors named once each")
    require(0 <= data.label_noise < 1, "data.label_noise", data.label_noise, "at least 0 and below 1")


def _check_engine(part, settings, require):
    """Whether it is known what students cost there."""
    engines = fitted()["engines"]
    require(settings.engine in engines, f"{part}.engine", settings.engine, " or ".join(engines))
    cores = engines[settings.engine]
    require(settings.core in cores, f"{part}.core", settings.core, f"{' or '.join(cores)} for {settings.engine}")


def _check_pruning(pruning, require):
    known = ("equal", "flash", "instructions")
    require(pruning.per_layer in known, "pruning.per_layer", pruning.per_layer, " or ".join(known))
    try:
        share = Pattern.parse(pruning.pattern).share
    except ValueError:
        wanted = "unstructured, zeros in every so many weights as 2:4, or blocks of at least 2 weights as 4x1"
        require(False, "pruning.pattern", pruning.pattern, wanted)
    if share and pruning.sparsity:
        wanted = f"{share:.4g} with the pattern {pruning.pattern}: so many zeros in every so many weights"
        require(abs(pruning.sparsity - share) < 0.01, "pruning.sparsity", pruning.sparsity, wanted)
    require(
        not share or pruning.per_layer == "equal", "pruning.per_layer", pruning.per_layer,
        f"equal with the pattern {pruning.pattern}, which has the same share in every layer",
    )  # fmt: skip
    require(
        pruning.engine != "tflm" or pruning.per_layer != "instructions", "pruning.per_layer", pruning.per_layer,
        "flash with the engine tflm, where zeros save no instructions",
    )  # fmt: skip


def _check_teachers(recipe, require):
    several = (recipe.teacher, *recipe.more_teachers)
    for number, teacher in enumerate(several):
        part = "teacher" if number == 0 else f"more_teachers[{number - 1}]"
        for key, known in (
            ("kind", ("fused", "skeleton", "graph", "imu", "depth", "video")),
            ("frame_network", ("light", "bn_inception")),
        ):  # fmt: skip
            value = getattr(teacher, key)
            require(value in known, f"{part}.{key}", value, " or ".join(known))
        dataset, known = recipe.data.dataset, datasets.modalities(recipe.data.dataset)
        require(
            set(teacher.modalities) <= set(known), f"{part}.kind", teacher.kind,
            f"a teacher that sees what the data set {dataset} has: {' or '.join(known)}",
        )  # fmt: skip
        for key in ("width", "embedding"):
            require(getattr(teacher, key) >= 1, f"{part}.{key}", getattr(teacher, key), "at least 1")
        require(0 <= teacher.dropout < 1, f"{part}.dropout", teacher.dropout, "at least 0 and below 1")
        before = [other.kind for other in several[:number]]
        pixels = recipe.frames.crop or recipe.frames.size * 7 // 8
        require(
            teacher.kind not in ("depth", "video") or teacher.frame_network == "light" or pixels % 32 == 0,
            "frames.crop", recipe.frames.crop, f"a multiple of 32 for bn_inception (0 is 7/8 of frames.size: {pixels})",
        )  # fmt: skip
        loads = teacher.kind in ("depth", "video") and teacher.frame_network == "bn_inception"
        require(
            loads or not teacher.weights, f"{part}.weights", teacher.weights,
            "empty, but for a teacher of depth or video with frame_network bn_inception",
        )  # fmt: skip
        require(teacher.kind not in before, f"{part}.kind", teacher.kind, "another kind than those before it")
        if teacher.taught_by:
            wanted = f"a teacher before it: {' or '.join(before)}" if before else "empty: no teacher is before it"
            require(teacher.taught_by in before, f"{part}.taught_by", teacher.taught_by, wanted)
            require(not teacher.cross_fitted, f"{part}.cross_fitted", True, "false where taught_by names a teacher")
        labelled = recipe.data.labelled_subjects
        require(
            not (teacher.cross_fitted and len(labelled) == 1), f"{part}.cross_fitted", True,
            f"false where one person alone is labelled (data.labelled_subjects is {labelled})",
        )  # fmt: skip
        require(
            not teacher.cross_fitted or recipe.distillation.teacher == "live", f"{part}.cross_fitted", True,
            "false where distillation.teacher is stored",
        )  # fmt: skip


def _check_pskd(recipe, require):
    pskd = recipe.pskd
    if not pskd.stages:
        unused = [teacher.kind for teacher in recipe.more_teachers]
        require(not unused, "more_teachers", unused, "left out, or named in pskd.stages")
        return
    for number, stage in enumerate(pskd.stages):
        require(len(stage) > 0, f"pskd.stages[{number}]", stage, "not empty")
        for kind in stage:
            known = list(recipe.teachers)
            require(kind in known, f"pskd.stages[{number}]", kind, f"a teacher of this recipe: {' or '.join(known)}")
    stages = len(pskd.stages)
    require(len(pskd.epochs) == stages, "pskd.epochs", pskd.epochs, f"{stages} numbers, one a stage")
    require(min(pskd.epochs) >= 1, "pskd.epochs", pskd.epochs, "of at least 1 each")
    total = recipe.student_training.epochs
    require(
        sum(pskd.epochs) == total, "pskd.epochs", pskd.epochs,
        f"{total} in all, as student_training.epochs, so that every student has the same budget",
    )  # fmt: skip
    rates = pskd.learning_rates
    require(len(rates) in (0, stages), "pskd.learning_rates", rates, "empty, or one a stage")
    require(pskd.selection in SELECTIONS, "pskd.selection", pskd.selection, " or ".join(SELECTIONS))
    for key in ("label", "threshold", "semantic"):
        require(getattr(pskd, key) >= 0, f"pskd.{key}", getattr(pskd, key), "at least 0")
    require(pskd.threshold <= 1, "pskd.threshold", pskd.threshold, "at most 1, a confidence")
    for key in ("temperature", "softness"):
        require(getattr(pskd, key) > 0, f"pskd.{key}", getattr(pskd, key), "above 0")


def _check_causal(recipe, require):
    if recipe.student.kind != "causal":
        return
    windows, student = recipe.windows, recipe.student
    require(windows.kind != "whole_trial", "windows.kind", windows.kind, "stream or continuous for a causal student")
    step = student.stem_stride * math.prod(student.strides[: student.depth])
    wanted = f"a multiple of {step}, the product of the student's strides: a causal student takes a hop at a time"
    require(windows.hop % step == 0, "windows.hop", windows.hop, wanted)
    wanted = f"a multiple of windows.hop, {windows.hop}: a causal student takes a hop at a time"
    require(windows.length % windows.hop == 0, "windows.length", windows.length, wanted)


def _check_images(recipe, require):
    student = recipe.student
    require(
        student.kind == "resnet18" or not student.weights, "student.weights", student.weights,
        "empty, but for student.kind resnet18",
    )  # fmt: skip
    if student.kind in ("imu", "causal"):
        signal = f"false where student.kind is {student.kind}: it takes the raw signal already"
        require(not recipe.ablation.raw_signal, "ablation.raw_signal", True, signal)
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
