"""A recipe: everything that decides a run's result, in one TOML file."""

import dataclasses
import difflib
import math
import tomllib
from pathlib import Path

from tfkd.data.augment import Augmentation


class RecipeError(ValueError):
    """A recipe cannot be used; the message names the file, the key, the value and what is possible."""


@dataclasses.dataclass(frozen=True)
class Data:
    """Which recordings, and who trains and tests.

    `validation_subjects` are taken out of the training people, and then *they* are evaluated, not the
    test people. `labelled_subjects`, if any are named, are the only training people whose labels are
    used; the others' paired recordings train the student through the teacher.
    """

    dataset: str = "synthetic"
    split: str = "cross_subject"
    test_subject: int = 0
    validation_subjects: tuple[int, ...] = ()
    labelled_subjects: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Windowing:
    """How recordings are cut. `length` and `hop` are IMU samples; `hop` is for `stream` only."""

    kind: str = "whole_trial"
    length: int = 128
    hop: int = 32
    skeleton_length: int = 64
    channels: tuple[str, ...] = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")


@dataclasses.dataclass(frozen=True)
class Teacher:
    """`fused` sees skeleton and IMU, `skeleton` the skeleton alone."""

    kind: str = "fused"
    width: int = 48
    dropout: float = 0.5


@dataclasses.dataclass(frozen=True)
class Student:
    """Arguments of `tfkd.networks.imu.imu_student`."""

    width: int = 64
    depth: int = 4
    kernel: int = 5
    stem_kernel: int = 9
    stem_stride: int = 2
    strides: tuple[int, ...] = (2, 2, 1, 1)
    dropout: float = 0.2


@dataclasses.dataclass(frozen=True)
class Training:
    """AdamW with a short warm-up and a cosine to zero, for a number of epochs fixed beforehand."""

    epochs: int = 100
    batch_size: int = 64
    learning_rate: float = 0.002
    weight_decay: float = 0.01
    label_smoothing: float = 0.0


@dataclasses.dataclass(frozen=True)
class Distillation:
    """Weights of the terms; the labels' is `label`. `teacher` is `live` or `stored`."""

    teacher: str = "live"
    label: float = 0.0
    soft_targets: float = 1.0
    temperature: float = 2.0
    distance: float = 0.0
    angle: float = 0.0
    semantic: float = 0.0


@dataclasses.dataclass(frozen=True)
class PruningSettings:
    """Share of zeros in each kernel, reached while the student goes on being distilled."""

    sparsity: float = 0.5
    epochs: int = 40
    learning_rate: float = 0.001


@dataclasses.dataclass(frozen=True)
class Quantization:
    """Training windows of each class that int8 ranges are calibrated on."""

    calibration_per_class: int = 8


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The whole of it; see the classes of the parts."""

    description: str = ""
    data: Data = Data()
    windows: Windowing = Windowing()
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)
    teacher: Teacher = Teacher()
    teacher_training: Training = Training()
    student: Student = Student()
    student_training: Training = Training()
    distillation: Distillation = Distillation()
    pruning: PruningSettings = PruningSettings()
    quantization: Quantization = Quantization()

    def to_toml(self):
        """The recipe as TOML, every value written out."""
        import tomli_w

        return tomli_w.dumps(dataclasses.asdict(self))


def load_recipe(path):
    """Reads and checks a recipe.

    Raises:
        RecipeError: the file is missing or no TOML, a key is unknown, or a value impossible.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise RecipeError(f"There is no recipe {path}. Name one with --recipe.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise RecipeError(f"{path} cannot be read as TOML: {error}") from error
    return parse_recipe(values, str(path))


def parse_recipe(values, source="recipe"):
    """A `Recipe` from a dictionary as TOML gives it; `source` is named in errors."""
    recipe = _parse(Recipe, values, source, "")
    _check(recipe, source)
    return recipe


def _parse(kind, values, source, prefix):
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
            return _parse(kind, value, source, f"{key}.")
        wanted = "a table"
    elif kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
        wanted = "a finite number"
    elif kind in (int, str) and type(value) is kind:
        return value
    elif hasattr(kind, "__args__"):
        entry = kind.__args__[0]
        if isinstance(value, (list, tuple)) and all(type(v) is entry for v in value):
            return tuple(value)
        wanted = f"a list of {entry.__name__}"
    else:
        wanted = {float: "a number", int: "a whole number", str: "a string"}[kind]
    raise RecipeError(f"{source}: {key} must be {wanted}, got {value!r}.")


def _check(recipe, source):
    """Values that no run could use, found before anything is read or trained."""

    def require(condition, key, value, wanted):
        if not condition:
            raise RecipeError(f"{source}: {key} is {value!r}, but must be {wanted}.")

    for key, value, known in (
        ("data.dataset", recipe.data.dataset, ("utd", "synthetic")),
        ("data.split", recipe.data.split, ("cross_subject", "cross_trial", "loso")),
        ("windows.kind", recipe.windows.kind, ("whole_trial", "stream")),
        ("teacher.kind", recipe.teacher.kind, ("fused", "skeleton")),
        ("distillation.teacher", recipe.distillation.teacher, ("live", "stored")),
    ):
        require(value in known, key, value, " or ".join(known))
    for part, least in (
        ("windows", {"length": 8, "hop": 1, "skeleton_length": 8, "channels": None}),
        ("teacher", {"width": 1, "dropout": 0}),
        ("student", {"width": 1, "depth": 0, "kernel": 1, "stem_kernel": 1, "stem_stride": 1}),
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
