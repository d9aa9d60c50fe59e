"""From recordings to the windows of a recipe: split by person, cut, normalised."""

import dataclasses

from tfkd.data import datasets, folder, splits
from tfkd.data import windows as cutting
from tfkd.data.continuous import continuous
from tfkd.data.keypoints import centred_poses
from tfkd.data.normalisation import Normalisation
from tfkd.data.perturbations import triples
from tfkd.data.recordings import DataError


@dataclasses.dataclass(frozen=True)
class PreparedData:
    """Windows to learn from and to be judged by.

    Attributes:
        train: training windows, unlabelled ones included.
        judged: windows of the validation people if the recipe names some, else of the test people.
        side: `"validation"` or `"test"`: which of them `judged` holds.
        normalisation: fitted on `train`.
        notes: what the reader, the pairing and the cutting left out, of either side, and classes that nobody trains.
        split: name of the protocol.
    """

    train: cutting.Windows
    judged: cutting.Windows
    side: str
    normalisation: Normalisation
    notes: dict
    split: str


def prepare(recipe, recordings):
    """Splits by person, then cuts into windows, then fits the normalisation on training windows.

    Whoever is judged, is so on labelled recordings that every teacher can see too, so all figures are of the same ones;
    where several cameras saw the same sensor recording, from the first of them.
    """
    keep = recipe.data.keep_unpaired
    for modality in recipe.modalities:  # of which some recordings may be without, but not all of them
        recordings.paired([modality])
    recordings = recordings.paired(["imu"] if keep else recipe.modalities)
    _check_axes(recipe.augmentation, recordings)
    if "skeleton" in recipe.modalities:
        _check_bones(recipe, recordings)
        recordings = _centred(recipe, recordings)
    split = _split(recipe.data, recordings)
    train = split.train
    if recipe.data.labelled_subjects:
        labelled = set(recipe.data.labelled_subjects)
        if absent := labelled - set(train.subjects):
            raise DataError(f"labelled_subjects {sorted(absent)} do not train ({train.subjects} do).")
        train = train.without_labels(set(train.subjects) - labelled)
    train = _teachable(train, recipe)
    _check_kind(recipe, recordings)
    if recipe.data.label_noise:
        train = train.with_label_noise(recipe.data.label_noise)
    side = "validation" if len(split.validation) else "test"
    optional = [modality for modality in recipe.modalities if modality != "imu"] if keep else []
    notes = train.notes
    train_windows = cut(recipe, train, recipe.modalities, optional, notes=notes)
    judged = getattr(split, side)
    for recording in judged:
        if lacking := [modality for modality in recipe.modalities if modality not in recording.streams]:
            notes.setdefault(f"not judged: no {' or '.join(lacking)}", []).append(recording.id)
    judged = _once(judged.paired(recipe.modalities))
    judged_windows = cut(recipe, judged, recipe.modalities, judged=True, notes=notes)
    if unknown := sorted(set(judged_windows.labels) - set(train_windows.labels)):
        notes["judged, but in no labelled window to train on: class"] = [recordings.classes[label] for label in unknown]
    normalisation = Normalisation.fit(train_windows)
    return PreparedData(train_windows, judged_windows, side, normalisation, notes, split.name)


def _check_axes(augmentation, recordings):
    """Augmentation takes every three channels for one sensor's x, y and z, by their place: by their names too?"""
    used = {name: getattr(augmentation, name) for name in ("rotation_deg", "scale", "sensor_rotation_deg")}
    if not (used := {f"augmentation.{name}": value for name, value in used.items() if value}):
        return
    imu = recordings.streams["imu"]
    try:
        found = [indices for indices, _ in triples(imu)]
    except DataError:
        found = []
    if found != [[i, i + 1, i + 2] for i in range(0, len(imu.channels), 3)]:
        raise DataError(
            f"{' and '.join(f'{key} = {value:g}' for key, value in used.items())}: that takes each sensor's x, y and z "
            f"side by side, as acc_x, acc_y, acc_z, but the IMU of {recordings.name} has {', '.join(imu.channels)}. "
            "Read them so (of a folder: dataset.toml, [imu] channels = [...]), or do without: "
            f"{' '.join(f'--set {key}=0' for key in used)}."
        )


def _check_bones(recipe, recordings):
    """Whether the skeleton's bones are known to what needs them."""
    from tfkd.networks.graph import partitions

    skeleton, limb_scale = recordings.streams["skeleton"], recipe.augmentation.limb_scale
    way_out = "Name them (of a folder: dataset.toml, [skeleton] bones = [...])"
    if limb_scale and not skeleton.bones:
        raise DataError(
            f"augmentation.limb_scale = {limb_scale:g}: that changes the length of bones, but which joints of "
            f"{recordings.name} they join is not known. {way_out}, or do without: --set augmentation.limb_scale=0."
        )
    if "graph" not in recipe.teachers:
        return
    try:
        partitions(skeleton.bones, len(skeleton.channels))
    except ValueError as error:
        raise DataError(
            f"A teacher of kind graph cannot see the skeletons of {recordings.name}, with the joints "
            f"{', '.join(skeleton.channels)} (from 0 on): {error} {way_out}, or take another "
            "kind (teacher.kind, more_teachers): skeleton sees joints without bones."
        ) from error


def _check_kind(recipe, recordings):
    kind, continuous_ones = recipe.windows.kind, any(recording.intervals for recording in recordings)
    if continuous_ones and kind != "continuous":
        wanted = "are continuous, labelled by intervals: take continuous"
    elif kind == "continuous" and not continuous_ones:
        wanted = "have no intervals: take whole_trial or stream"
    else:
        return
    raise DataError(f"windows.kind is {kind!r}, but the recordings of {recordings.name} {wanted}.")


def _once(recordings):
    """One of those that share their sensor's samples, seen from several cameras: a student would answer all alike."""
    first = {}
    for recording in recordings:
        first.setdefault(id(recording.streams["imu"]), recording.id)
    chosen = set(first.values())
    return recordings.where(lambda recording: recording.id in chosen)


def _labelled(recording):
    return recording.label >= 0 or bool(recording.intervals)


def _teachable(train, recipe):
    """The recordings that have a label or what a teacher sees: the others teach nothing, and are noted."""

    def seen(recording):
        return any(all(m in recording.streams for m in t.modalities) for t in recipe.teachers.values())

    idle = [r.id for r in train if not _labelled(r) and not seen(r)]
    if not idle:
        return train
    train = train.where(lambda r: _labelled(r) or seen(r))
    train.notes["left out: neither a label nor what a teacher sees"] = idle
    return train


def _centred(recipe, recordings):
    """Skeletons without where the person was and how tall they are."""
    if "px" not in recordings.streams["skeleton"].units:
        return cutting.centred_skeletons(recordings)
    in_space = ("view_deg", "tilt_deg", "joint_offset", "limb_scale")
    if used := [f"augmentation.{name}" for name in in_space if getattr(recipe.augmentation, name)]:
        raise DataError(
            f"The skeletons of {recordings.name} are poses in a picture, which cannot be changed in space: set "
            f"{', '.join(used)} to 0."
        )
    return centred_poses(recordings)


def _split(data, recordings):
    if data.split == "loso":
        return splits.leave_one_subject_out(recordings, data.test_subject, data.validation_subjects)
    if data.dataset == "folder":
        return folder.split(recordings, data.split, data.validation_subjects)
    return datasets.protocols(data.dataset)[data.split](recordings, data.validation_subjects)


def cut(recipe, recordings, modalities, optional=(), judged=False, notes=None):
    """Windows of some modalities as a recipe wants them; to be `judged`, only those that have a label.

    What that leaves out is added to `notes`, kind -> list.

    Raises:
        DataError: none of those to be judged has a label; and as for the function that cuts.
    """
    windows, notes = recipe.windows, {} if notes is None else notes
    if judged:
        recordings = _with_label(recordings, notes)
    every = {"imu": windows.length, "skeleton": windows.skeleton_length}
    lengths = {modality: every.get(modality, recipe.frames.most) for modality in modalities}
    if windows.kind == "continuous":
        how = {"decide_at": windows.decide_at, "optional": optional, "keep_unlabelled": not judged, "notes": notes}
        return continuous(recordings, lengths, windows.hop, **how)
    if windows.kind == "whole_trial":
        return cutting.whole_trial(recordings, lengths, optional)
    return cutting.stream(recordings, lengths, windows.hop, optional=optional)


def _with_label(recordings, notes):
    """The recordings that can be judged: nobody knows what is right of the others, which are noted."""
    if not (unknown := [recording.id for recording in recordings if not _labelled(recording)]):
        return recordings
    if len(unknown) == len(recordings):
        raise DataError(
            f"None of the {len(unknown)} recordings in {recordings.name} that are to be judged has a label, such as "
            f"{', '.join(unknown[:3])}. Label them, or judge other people (data.split, data.validation_subjects)."
        )
    notes["not judged: no label"] = unknown
    return recordings.where(_labelled)


def student_channels(recipe, stream):
    """Indices into the IMU stream of the channels that the student sees; all, if the recipe names none.

    Raises:
        DataError: the recipe names a channel that the stream does not have.
    """
    known = stream.channels
    if unknown := [c for c in recipe.windows.channels if c not in known]:
        raise DataError(f"windows.channels names {unknown}; the IMU has {list(known)}.")
    return [known.index(channel) for channel in recipe.windows.channels or known]
