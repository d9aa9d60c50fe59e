"""From recordings to windows: who is judged on what, and nothing left out without a note."""

import dataclasses

import numpy as np
import pytest

from tests.data import test_continuous
from tests.data.conftest import recordings
from tfkd import prepared
from tfkd.data import DataError
from tfkd.data.recordings import Interval, Recordings, Stream
from tfkd.prepared import cut, prepare
from tfkd.recipe import parse_recipe

TINY = {
    "data": {"dataset": "utd"},
    "windows": {"length": 32, "skeleton_length": 16, "hop": 16},
    "teacher": {"kind": "fused"},
}


def recipe(**sections):
    return parse_recipe({part: {**TINY.get(part, {}), **sections.get(part, {})} for part in {**TINY, **sections}})


def lacking(names, modality, data):
    """The recordings, some of them without a modality."""

    def change(recording):
        streams = {m: v for m, v in recording.streams.items() if m != modality or recording.id not in names}
        return dataclasses.replace(recording, streams=streams)

    return data.mapped(change)


def test_what_the_teacher_cannot_see_trains_and_is_not_judged():
    names = ["a1_s1_t1", "a1_s2_t1", "a3_s4_t2"]  # the first one trains
    found = prepare(recipe(data={"keep_unpaired": True}), lacking(names, "skeleton", recordings()))
    assert not set(names[1:]) & set(found.judged.recordings) and names[0] in found.train.recordings
    assert found.notes == {"not judged: no skeleton": names[1:]}


def test_recordings_without_a_label_are_not_judged():
    names = ["a1_s2_t1", "a3_s4_t2", "a1_s1_t1"]  # the last one trains
    unlabelled = recordings().mapped(lambda r: dataclasses.replace(r, label=-1) if r.id in names else r)
    for kind in ("whole_trial", "stream"):
        found = prepare(recipe(windows={"kind": kind}), unlabelled)
        assert (found.judged.labels >= 0).all() and not set(names) & set(found.judged.recordings)
        assert len(set(found.judged.recordings)) == 10 and "a1_s1_t1" in found.train.recordings
        assert found.notes == {"not judged: no label": names[:2]}
    nobody = recordings().without_labels([2, 4])
    with pytest.raises(DataError, match="None of the 12 recordings in tiny .* has a label, such as a1_s2_t1.*Label"):
        prepare(recipe(), nobody)
    with pytest.raises(DataError, match="None of the 6 .*validation_subjects"):
        cut(recipe(), nobody.of_subjects([2]), ("imu",), judged=True)


def test_classes_that_are_judged_but_not_trained_are_noted():
    known = recordings()
    hidden = known.mapped(lambda r: dataclasses.replace(r, label=-1) if r.id.startswith("a3_s1") else r)
    found = prepare(recipe(), hidden.where(lambda r: not r.id.startswith("a3_s3")))
    assert found.notes == {"judged, but in no labelled window to train on: class": [known.classes[2]]}


def with_channels(*names):
    data = recordings()
    streams = {**data.streams, "imu": Stream(names, ("g",) * len(names), 50.0)}
    wide = data.mapped(
        lambda r: dataclasses.replace(r, streams={**r.streams, "imu": np.resize(r.streams["imu"], (200, len(names)))})
    )
    return Recordings(wide, data.classes, streams, "tiny")


@pytest.mark.parametrize(
    "channels",
    [
        ("acc_x", "gyro_x", "acc_y", "gyro_y", "acc_z", "gyro_z"),
        ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z", "baro"),
        ("acc_x", "acc_y", "baro"),
        ("acc_x", "acc_y", "wrist_acc_z"),
    ],
)
def test_axes_are_turned_only_where_the_names_say_which_belong_together(channels):
    data = with_channels(*channels)
    for key in ("rotation_deg", "scale", "sensor_rotation_deg"):
        message = f"augmentation.{key} = 0.5: .*{', '.join(channels)}.*--set augmentation.{key}=0"
        with pytest.raises(DataError, match=message):
            prepare(recipe(windows={"channels": []}, augmentation={key: 0.5}), data)
    prepare(recipe(windows={"channels": []}, augmentation={"jitter": 0.5}), data)


def test_axes_of_every_data_set_can_be_turned():
    from tfkd.data import berkeley_mhad, mmact, openpack, utd_mhad

    settings = recipe(augmentation={"rotation_deg": 20.0, "scale": 0.1, "sensor_rotation_deg": 5.0}).augmentation
    sensors = ("acc_watch", "acc_phone", "gyro")
    for stream in (
        utd_mhad.STREAMS["imu"],
        berkeley_mhad.STREAMS["imu"],
        openpack._streams(openpack.SENSORS, "2d")["imu"],
        Stream(tuple(channel for sensor in sensors for channel in mmact.AXES[sensor][0]), ("g",) * 9),
    ):
        prepared._check_axes(settings, Recordings([], (), {"imu": stream}, "some"))


def test_bones_are_known_to_what_needs_them():
    data = recordings()
    graph, other_bodies = recipe(teacher={"kind": "graph"}), recipe(augmentation={"limb_scale": 0.1})

    def with_bones(*bones):
        return Recordings(data, data.classes, {**data.streams, "skeleton": skeleton(bones)}, "tiny")

    def skeleton(bones):
        return dataclasses.replace(data.streams["skeleton"], bones=bones)

    for sections, bones, message in (
        (graph, (), r"hip_center, .*: Joint 0 has no bone.*\[skeleton\] bones.*kind .teacher.kind, more_teachers."),
        (graph, ((0, 1),), "Joint 2 has no bone"),
        (other_bodies, (), r"limb_scale = 0.1.*\[skeleton\] bones.*--set augmentation.limb_scale=0"),
    ):
        with pytest.raises(DataError, match=message):
            prepare(sections, with_bones(*bones))
        prepare(sections, data)
    prepare(recipe(teacher={"kind": "imu"}, augmentation={"limb_scale": 0.1}), with_bones())


def test_what_gives_no_window_is_noted_on_both_sides():
    spans = (Interval(0, 0.4, 0), Interval(0.4, 9, 1))  # a hop of a second decides at 0.5 s
    shifts = test_continuous.recordings(1, 2, intervals=spans)
    sections = {"data": {"dataset": "synthetic_packing"}, "teacher": {"kind": "imu"}}
    found = prepare(recipe(windows={"kind": "continuous", "hop": 30, "channels": []}, **sections), shifts)
    missed = [f"shift{person}: 1 of 2, 0.40 s" for person in (1, 2)]
    assert found.notes == {"no window: intervals without a moment of decision": missed}
