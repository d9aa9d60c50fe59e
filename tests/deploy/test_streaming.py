"""The streaming reference: what each kind of input leads to, said event by event."""


import numpy as np
import pytest

from tests.micro.core import CHUNKS, CONTRACT, GASF, TRIAL, Student
from tests.micro.signals import clean
from tfkd.data.recordings import Recording, Recordings
from tfkd.data.recordings import Stream as StreamFacts
from tfkd.data.windows import stream as cut_stream
from tfkd.data.windows import whole_trial
from tfkd.deploy.decision import ONE, probabilities
from tfkd.deploy.streaming import Event, Settings, Stream, Trial

WAVES = StreamFacts(CONTRACT.channels, CONTRACT.units, 50.0)


def always(label, contract=CONTRACT, step=100):
    """A student that is sure of one class."""
    outputs = np.full((1, len(contract.labels)), -step, np.int8)
    outputs[0, label] = step
    return lambda windows: outputs


def feed(stream, times, values):
    for time_us, sample in zip(times, values, strict=True):
        stream.push(time_us, sample)
        stream.run()
    return stream.events


def late(stream, times, values):
    """The stream after all samples, with a consumer that came only then."""
    for time_us, sample in zip(times, values, strict=True):
        stream.push(time_us, sample)
    stream.run()
    return stream


class Kept:
    """Answers as `Student` does and keeps what it was asked."""

    def __init__(self, contract):
        self.windows, self._student = [], Student(contract)

    def __call__(self, windows):
        self.windows.append(windows[0])
        return self._student(windows)


def quantised(x):
    x = (x - np.array(CONTRACT.mean, np.float32)) / np.array(CONTRACT.scale, np.float32)
    steps = np.rint(x / np.float32(CONTRACT.input_scale)) + np.float32(CONTRACT.input_zero_point)
    return np.clip(steps, -128, 127).astype(np.int8)


def recordings(values):
    items = [Recording(f"a{i}", 1, 0, i, {"imu": x}) for i, x in enumerate(values)]
    return Recordings(items, CONTRACT.labels, {"imu": WAVES}, "waves")


def test_windows_are_those_that_students_learn_from():
    times, values = clean(32 + 8 * 20, seed=1)
    kept = Kept(CONTRACT)
    feed(Stream(CONTRACT, kept), times, values)
    windows = cut_stream(recordings([values]), {"imu": 32}, hop=8).arrays["imu"]
    np.testing.assert_array_equal(kept.windows, quantised(windows))


def test_trials_are_those_that_students_learn_from():
    values = [clean(samples, seed=samples)[1] for samples in range(2, 129)]
    kept = Kept(TRIAL)
    trial = Trial(TRIAL, kept)
    for x in values:
        trial.begin()
        for i, sample in enumerate(x):
            trial.push(20_000 * i, sample)
        trial.finish()
    windows = whole_trial(recordings(values), {"imu": 32}).arrays["imu"]
    np.testing.assert_array_equal(kept.windows, quantised(windows))


def test_a_slower_sensor_is_interpolated():
    """At a third of the rate, two points of the grid lie between two samples of a straight line."""
    kept = Kept(CONTRACT)
    line = np.arange(20, dtype=np.float32)[:, None] * np.array([3, -6, 9], np.float32) / 64
    feed(Stream(CONTRACT, kept), range(0, 20 * 60_000, 60_000), line)
    grid = np.arange(60)[:, None] * np.array([1, -2, 3]) / 64
    for i, window in enumerate(kept.windows):
        np.testing.assert_allclose(window, quantised(grid[8 * i : 8 * i + 32]), atol=1)
    assert len(kept.windows) == 4


def test_an_activity_starts_changes_and_ends():
    answers = iter([0, 0, 1, 1, 1, None, None, None])
    unsure = np.zeros((1, 4), np.int8)
    stream = Stream(
        CONTRACT, lambda windows: unsure if (label := next(answers)) is None else always(label)(windows)
    )
    times, values = clean(32 + 7 * 8)
    sure = int(probabilities(always(0)(None)[0], CONTRACT.output_scale)[0])
    events = feed(stream, times, values)
    at = [20_000 * (31 + 8 * i) for i in range(8)]
    assert [event[:3] for event in events] == [
        ("started", at[0], 0), ("ended", at[3], 0), ("started", at[3], 1), ("ended", at[7], 1),
    ]  # fmt: skip
    assert events[0].confidence == sure > 0.99 * ONE
    assert events[2].confidence == pytest.approx(0.75 * ONE, rel=0.01)
    assert events[3].confidence == pytest.approx((0.875 / 8 + 0.25 * 7 / 8) * ONE, rel=0.01)


def test_hysteresis_keeps_an_activity_between_the_thresholds():
    weaker = np.array([[20, 10, 10, 10]], np.int8)  # about 0.4 to 0.5
    share = probabilities(weaker[0], CONTRACT.output_scale)[0] / ONE
    assert 0.35 < share < 0.5
    answers = iter([always(0)(None)] + [weaker] * 9)
    settings = Settings(smoothing=ONE, enter=int(0.6 * ONE), leave=int(0.35 * ONE))
    stream = Stream(CONTRACT, lambda windows: next(answers), settings)
    assert [event.kind for event in feed(stream, *clean(32 + 9 * 8))] == ["started"]
    again = iter([weaker] * 10)
    stream = Stream(CONTRACT, lambda windows: next(again), settings)
    assert feed(stream, *clean(32 + 9 * 8)) == []


def test_a_bad_sample_is_left_out_and_reported_once():
    times, values = clean(60)
    values[40:44, 1] = np.nan
    values[43, 0] = -np.inf
    kept, without = Kept(CONTRACT), Kept(CONTRACT)
    events = feed(Stream(CONTRACT, kept), times, values)
    assert [event for event in events if event.label < 0] == [Event("bad_sample", times[40], value=1)]
    good = np.isfinite(values).all(axis=1)
    feed(Stream(CONTRACT, without), np.array(times)[good].tolist(), values[good])
    np.testing.assert_array_equal(kept.windows, without.windows)
    assert len(kept.windows) == 4


def test_a_pause_ends_the_activity_and_empties_the_window():
    times, values = clean(100)
    times = [time + (700_000 if i >= 50 else 0) for i, time in enumerate(times)]
    events = feed(Stream(CONTRACT, always(2)), times, values)
    assert [event[:3] for event in events] == [
        ("started", times[31], 2), ("gap", times[50], -1), ("ended", times[49], 2), ("started", times[81], 2),
    ]  # fmt: skip
    assert events[1].value == 720_000


def test_a_pause_is_noticed_before_it_is_over():
    times, values = clean(40)
    stream = Stream(CONTRACT, always(2))
    feed(stream, times, values)
    for late in (100_000, 500_000, 600_000, 900_000):
        stream.tick(times[-1] + late)
    assert [event[:2] for event in stream.events[1:]] == [("gap", times[-1] + 600_000), ("ended", times[-1])]


def test_missing_samples_for_long_are_a_pause_even_when_bad_ones_come():
    times, values = clean(100)
    values[50:90] = np.nan
    events = feed(Stream(CONTRACT, always(2)), times, values)
    assert [event[:2] for event in events] == [
        ("started", times[31]), ("bad_sample", times[50]), ("gap", times[75]), ("ended", times[49]),
    ]  # fmt: skip


def test_time_that_stands_still_or_runs_back():
    times, values = clean(100)
    times[40:45] = [times[40]] * 5
    times[60] = times[50]
    events = feed(Stream(CONTRACT, always(1)), times, values)
    assert [(*event[:2], event.value) for event in events] == [
        ("started", times[31], 0), ("time_still", times[40], 0), ("time_back", times[50], 180_000),
    ]  # fmt: skip


def test_a_clock_set_back_is_a_new_beginning():
    times, values = clean(100)
    times = [time - (1_000_000 if i >= 50 else 0) for i, time in enumerate(times)]
    events = feed(Stream(CONTRACT, always(1)), times, values)
    assert [event[:2] for event in events] == [
        ("started", times[31]), ("time_back", times[50]), ("ended", times[49]), ("started", times[81]),
    ]  # fmt: skip
    assert events[1].value == 980_000


def test_a_stuck_sensor_gives_no_windows():
    times, values = clean(300)
    values[50:200] = values[50]
    kept = Kept(CONTRACT)
    stream = Stream(CONTRACT, kept)
    events = feed(stream, times, values)
    stuck = next(event for event in events if event.kind == "stuck")
    assert stuck[1:] == (times[100], -1, 0, 1_000_000)
    assert sum(event.kind == "stuck" for event in events) == 1
    # windows complete at 31, 39, ... up to 99, then from the first change on
    assert len(kept.windows) == len(range(31, 100, 8)) + len(range(200 + 31, 300, 8))
    np.testing.assert_array_equal(kept.windows[9], quantised(values[200:232]))


def test_saturation_is_reported_by_channel_and_the_sample_used():
    times, values = clean(80)
    values[40:50, 2] = 16.0
    values[:, 0] /= 2 * np.abs(values[:, 0]).max()
    values[45, 0] = -2.0
    kept, unaware = Kept(CONTRACT), Kept(CONTRACT)
    events = feed(Stream(CONTRACT, kept, Settings(range=(2.0, 0.0, 16.0))), times, values)
    faults = [event for event in events if event.kind == "saturated"]
    assert faults == [Event("saturated", times[40], value=2), Event("saturated", times[45], value=0)]
    feed(Stream(CONTRACT, unaware), times, values)
    np.testing.assert_array_equal(kept.windows, unaware.windows)


def test_a_window_that_was_not_taken_is_lost_and_reported():
    times, values = clean(48)
    kept = Kept(CONTRACT)
    stream = late(Stream(CONTRACT, kept), times, values)
    assert stream.events[0] == Event("overrun", times[31], value=1)
    np.testing.assert_array_equal(kept.windows, [quantised(values[16:48])])


def test_a_window_waits_unchanged_for_up_to_a_hop():
    times, values = clean(39)
    kept = Kept(CONTRACT)
    late(Stream(CONTRACT, kept), times, values)
    np.testing.assert_array_equal(kept.windows, [quantised(values[:32])])


def test_a_reset_forgets():
    times, values = clean(32 + 20)
    stream = Stream(CONTRACT, always(3))
    feed(stream, times[:40], values[:40])
    stream.reset()
    stream.reset()
    feed(stream, times[40:], values[40:])
    assert [event[:2] for event in stream.events] == [("started", times[31]), ("ended", times[39])]


@pytest.mark.parametrize("output_scale", [1e-6, 0.003, 0.06339713931083679, 0.2, 1.0, 500.0])
def test_integer_softmax(output_scale):
    generator = np.random.default_rng(0)
    for classes in (2, 4, 27):
        for _ in range(300):
            outputs = generator.integers(-128, 128, classes).astype(np.int8)
            logits = (outputs.astype(float) - outputs.max()) * output_scale
            exact = np.exp(logits) / np.exp(logits).sum()
            found = probabilities(outputs, output_scale)
            assert found.sum() <= ONE
            assert found.max() == found[np.argmax(outputs)]
            # what tfkd_decision.h promises
            np.testing.assert_allclose(found / ONE, exact, atol=2e-4 + classes * 2e-5, rtol=0)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="sliding windows"):
        Stream(TRIAL, None)
    with pytest.raises(ValueError, match="whole trials"):
        Trial(CONTRACT, None)
    with pytest.raises(ValueError, match="no encoding 'mtf'"):
        Stream(CONTRACT.__class__(**(GASF.to_dict() | {"encoding": "mtf"})), None)
    with pytest.raises(ValueError, match="range must have 3 values"):
        Stream(CONTRACT, None, Settings(range=(1.0,)))
    with pytest.raises(ValueError, match="a memory of 29 samples, which has to be cleared"):
        Stream(CHUNKS, None)
    for wrong in ({"max_gap_us": 0}, {"smoothing": 0}, {"enter": 32769}, {"leave": 20000}, {"range": (-1.0,)}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Settings(**wrong)
    for wrong in ({"enter": 0.6}, {"stuck_us": None}, {"range": 8.0}, {"range": ("wide",)}, {"max_gap_us": "1 s"}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
            Settings(**wrong)
    assert Settings(range=np.array([8, 8, 0])).range == (8.0, 8.0, 0.0)


@pytest.mark.parametrize("kind", [np.int32, np.uint32, np.int64, np.uint64])
def test_times_may_be_numpys_integers_of_any_width(kind):
    times, values = clean(40, jitter_us=2000, start_us=1_000_000)
    expected = feed(Stream(CONTRACT, Student(CONTRACT)), times, values)
    stream = Stream(CONTRACT, Student(CONTRACT))
    events = feed(stream, np.array(times, kind), values)
    stream.tick(kind(times[-1]))
    assert events == expected and {type(event.time_us) for event in events} == {int}


def test_what_is_no_time_and_no_sample_is_told_rather_than_guessed():
    stream, trial = Stream(CONTRACT, None), Trial(TRIAL, None)
    trial.begin()
    for twin in (stream, trial):
        for sample in (0.5, [0.5], [0.5, 0.5], [[0.5, 0.5, 0.5]], np.zeros(6)):
            with pytest.raises(ValueError, match=r"sample must be of shape \(3,\), one value a channel"):
                twin.push(0, sample)
        with pytest.raises(ValueError, match="time_us must be an integer, in microseconds, not 0.02"):
            twin.push(0.02, [0.5, 0.5, 0.5])


def test_a_trial_that_has_not_begun_is_told():
    trial = Trial(TRIAL, None)
    for call in (trial.finish, lambda: trial.push(0, [0.5, 0.5, 0.5])):
        with pytest.raises(ValueError, match="No trial has begun"):
            call()
    trial.begin()
    trial.finish()
    with pytest.raises(ValueError, match="No trial has begun"):
        trial.finish()
