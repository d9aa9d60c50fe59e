"""A recipe: everything that decides a run's result, in one TOML file."""

import dataclasses
import tomllib
from pathlib import Path

from tfkd import recipe_check, toml_values
from tfkd.data.augment import Augmentation
from tfkd.recipe_check import RecipeError

__all__ = ["Recipe", "RecipeError", "load_recipe", "parse_recipe"]


@dataclasses.dataclass(frozen=True)
class Data:
    """Which recordings, and who trains and tests.

    `sensors` make up the IMU, of data sets of several (`mmact`, `openpack`); none named are the usual ones. `split` is
    one of the data set's protocols, or `loso`, which leaves `test_subject` out.
    `validation_subjects` are taken out of the training people, and then *they* are evaluated, not the
    test people. `labelled_subjects`, if any are named, are the only training people whose labels are
    used; the others' paired recordings train the student through the teacher. `label_noise` is the share of
    training labels that are replaced by wrong ones, to see what a method makes of mistakes. With
    `keep_unpaired`, recordings that lack what a teacher sees train the student without that teacher; else they
    are left out.
    """

    dataset: str = "synthetic"
    sensors: tuple[str, ...] = ()
    split: str = "cross_subject"
    test_subject: int = 0
    validation_subjects: tuple[int, ...] = ()
    labelled_subjects: tuple[int, ...] = ()
    label_noise: float = 0.0
    keep_unpaired: bool = False


@dataclasses.dataclass(frozen=True)
class Windowing:
    """How recordings are cut. `length` and `hop` are IMU samples; `hop` is for `stream` and `continuous`.

    `channels` are those that the student sees; none named are all that the IMU has. `continuous` is for recordings that
    are labelled by intervals: a decision every `hop` samples, about the moment at the share `decide_at` of the window.
    """

    kind: str = "whole_trial"
    length: int = 128
    hop: int = 32
    skeleton_length: int = 64
    channels: tuple[str, ...] = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
    decide_at: float = 0.5


@dataclasses.dataclass(frozen=True)
class Frames:
    """How depth and video are kept, and what of them the teacher sees; see `tfkd.data.FrameSampling`.

    `size` pixels and at most `most` frames are kept of a recording; `crop` of 0 is 7/8 of `size`.
    """

    size: int = 64
    most: int = 32
    segments: int = 8
    crop: int = 0
    flip: bool = False
    shade: float = 0.0


@dataclasses.dataclass(frozen=True)
class Teacher:
    """`fused` sees skeleton and IMU, `skeleton` or `imu` one of them; `graph` sees the skeleton as a graph of joints;
    `depth` and `video` see frames.

    `width` is that of the first four, `frame_network` (`light` or `bn_inception`) and `embedding` are those
    of the others. With `cross_fitted`, each person's recordings are explained to the student by a teacher that was
    trained on the other labelled people alone: one more training for each of them. With `taught_by`, the kind of a
    teacher before it, it is an assistant: it learns from that one's soft targets, as section `distillation` weighs
    them, and from the labels. `weights` is a file for a `bn_inception` to start from: see
    `tfkd.networks.weights.load_bn_inception`.
    """

    kind: str = "fused"
    width: int = 48
    dropout: float = 0.5
    frame_network: str = "light"
    embedding: int = 300
    cross_fitted: bool = False
    taught_by: str = ""
    weights: str = ""

    @property
    def modalities(self):
        """What it sees."""
        several = {"fused": ("skeleton", "imu"), "graph": ("skeleton",)}
        return several.get(self.kind, (self.kind,))


@dataclasses.dataclass(frozen=True)
class Student:
    """`imu` and `causal` take the signal itself; `gaf` and `resnet18` take images of it.

    A `causal` student is trained on windows like the others; on the device it remembers, takes `windows.hop` samples at
    a time and computes each thing once. `width`, `depth`, `kernel`, `stem_kernel`, `stem_stride` and `strides` are
    arguments of `tfkd.networks.imu_student` and `causal_student`. The images of `gaf` and `resnet18` have `image_size`
    pixels a side and are encoded as a contract says it: `gasf`, `gadf`, or with a fixed range of the standardised
    signal `gasf -3 3`; `embedding` is the width of their last layer but one. `weights` is a file for a `resnet18` to
    start from: see `tfkd.networks.weights.load_resnet18`.
    """

    kind: str = "imu"
    width: int = 64
    depth: int = 4
    kernel: int = 5
    stem_kernel: int = 9
    stem_stride: int = 2
    strides: tuple[int, ...] = (2, 2, 1, 1)
    dropout: float = 0.2
    image_size: int = 32
    encoding: str = "gasf"
    embedding: int = 64
    weights: str = ""


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
    """Weights of the terms of `tfkd.methods.vskd`; the labels' is `label`. `teacher` is `live` or `stored`."""

    teacher: str = "live"
    label: float = 0.0
    soft_targets: float = 1.0
    temperature: float = 2.0
    distance: float = 0.0
    angle: float = 0.0
    semantic: float = 0.0


@dataclasses.dataclass(frozen=True)
class Pskd:
    """Settings of `tfkd.methods.pskd`; it is the method of the recipe where `stages` are named.

    Each stage is a list of teachers by kind, of the sections `teacher` and `more_teachers`. `epochs` of the stages add
    up to those of `student_training`, so that every student has the same budget. `learning_rates` of the stages, if
    any are given, take the place of the one there.
    """

    stages: tuple[tuple[str, ...], ...] = ()
    epochs: tuple[int, ...] = ()
    learning_rates: tuple[float, ...] = ()
    label: float = 0.1
    temperature: float = 2.0
    selection: str = "hard"
    threshold: float = 0.0
    softness: float = 1.0
    semantic: float = 0.0


@dataclasses.dataclass(frozen=True)
class Ablation:
    """Students trained beside the others, to take the method apart.

    For each of `terms` (of `soft_targets`, `distance`, `angle`, `semantic`) one that learns from the labels and that
    term alone. With `raw_signal`, two with the network of `student.kind = "imu"`, on labels alone and distilled. For
    each of `methods` one that learns from the one teacher of the section `teacher`: `single` by labels and soft
    targets, `dask` by distances, angles and the semantic term besides. Without `control` there is none: for choosing
    settings and for curves, not for a result.
    """

    terms: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    raw_signal: bool = False
    control: bool = True


@dataclasses.dataclass(frozen=True)
class PruningSettings:
    """Share of zeros in each kernel, reached while the student goes on being distilled. 0 leaves pruning out.

    `pattern` tells where zeros lie: `unstructured`, m in every n weights as `2:4` (`sparsity` is then m / n), or blocks
    as `4x1`; see `tfkd.compress.Pattern`. `per_layer` is `equal`, or `flash` or `instructions`: then each kernel gets a
    share of its own, so that as little as possible is lost for what `sparsity` in all of them would cost of that, with
    `engine` on `core` (`tfkd.compress.sparsity_per_layer`).
    """

    sparsity: float = 0.5
    epochs: int = 40
    learning_rate: float = 0.001
    pattern: str = "unstructured"
    per_layer: str = "equal"
    engine: str = "plain_c"
    core: str = "m4"


@dataclasses.dataclass(frozen=True)
class ChannelPruning:
    """Sizes that the distilled student is brought to, one after the other, by leaving channels away.

    `weight_kb` are KiB of weights in int8 with biases in int32, each smaller than the one before; none named leaves it
    out. At each size the student is trained on as it was distilled, for `epochs`; `multiple` channels leave a layer at
    once. `importance` is by `gradient` of the loss, `weights` or `activations`. With `from_scratch`, the networks that
    are found are also trained from new weights with the same budget.

    At the last size channels go on leaving until the int8 student is within `flash_kb`, `ram_kb` and `instructions`,
    those that are not 0, as `tfkd.deploy.cost_of` tells them for `engine` and `core`.
    """

    weight_kb: tuple[float, ...] = ()
    importance: str = "gradient"
    multiple: int = 4
    epochs: int = 60
    learning_rate: float = 0.001
    from_scratch: bool = False
    flash_kb: float = 0.0
    ram_kb: float = 0.0
    instructions: int = 0
    engine: str = "plain_c"
    core: str = "m4"


@dataclasses.dataclass(frozen=True)
class Quantization:
    """How the student becomes int8, with ranges from `calibration_per_class` training windows of each class.

    Ranges hold `percentile` percent of what these windows produce in a tensor, on either side; 100 is all of it. For
    `aware_epochs`, the student is distilled on as the int8 model computes (`tfkd.compress.quantization_aware`); 0
    leaves that out. With `weight_bits` of 4 it is trained with, and stored with, four bits for each weight of its
    convolutions, depthwise ones too; dense layers, biases and activations stay as they are. Without
    `int8` the student is neither pruned nor exported: for one too large for a microcontroller.
    """

    int8: bool = True
    calibration_per_class: int = 8
    percentile: float = 100.0
    aware_epochs: int = 0
    aware_learning_rate: float = 0.0002
    weight_bits: int = 8


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The whole of it; see the classes of the parts."""

    description: str = ""
    data: Data = Data()
    windows: Windowing = Windowing()
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)
    frames: Frames = Frames()
    teacher: Teacher = Teacher()
    more_teachers: tuple[Teacher, ...] = ()
    teacher_training: Training = Training()
    student: Student = Student()
    student_training: Training = Training()
    distillation: Distillation = Distillation()
    pskd: Pskd = Pskd()
    ablation: Ablation = Ablation()
    channels: ChannelPruning = ChannelPruning()
    pruning: PruningSettings = PruningSettings()
    quantization: Quantization = Quantization()

    @property
    def modalities(self):
        """What is read of the recordings: the IMU and what the teachers see."""
        return tuple(sorted({"imu", *(m for teacher in self.teachers.values() for m in teacher.modalities)}))

    @property
    def teachers(self):
        """Kind -> `Teacher`, the one of the section `teacher` first."""
        return {teacher.kind: teacher for teacher in (self.teacher, *self.more_teachers)}

    def to_toml(self):
        """The recipe as TOML, every value written out."""
        import tomli_w

        return tomli_w.dumps(dataclasses.asdict(self))


def load_recipe(path, changes=()):
    """Reads and checks a recipe.

    Args:
        path: of the TOML file.
        changes: settings that take the place of the file's, as `"data.labelled_subjects=[1, 3]"`: values as in TOML,
            where words need no quotes, not even in lists.

    Raises:
        RecipeError: the file is missing or no TOML, a key is unknown, or a value impossible.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text())
        for change in changes:
            toml_values.change(values, change)
    except FileNotFoundError as error:
        raise RecipeError(f"There is no recipe {path}. Name one with --recipe.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise RecipeError(f"{path} cannot be read as TOML: {error}") from error
    return parse_recipe(values, " with ".join([str(path), *changes]))


def parse_recipe(values, source="recipe"):
    """A `Recipe` from a dictionary as TOML gives it; `source` is named in errors."""
    recipe = toml_values.parse(Recipe, values, source)
    recipe_check.check(recipe, source)
    return recipe
