"""The streaming reference with a student that remembers: when its memory is cleared, and when it decides again."""

import dataclasses

import pytest

from tests.deploy.test_streaming import always, feed
from tests.micro.core import CHUNKS
from tests.micro.signals import clean
from tfkd.deploy.decision import ONE
from tfkd.deploy.streaming import Event, Stream


class Chunks(Stream):
    """Of a student with a memory of 29 samples, fed 8 at a time, that is sure of one class; `calls` tells what was
    asked of it."""

    def __init__(self):
        self.calls = []
        super().__init__(CHUNKS, self._answer, reset=lambda: self.calls.append("reset"))

    def _answer(self, windows):
        self.calls.append("window")
        return always(3)(windows)


def runs(count):
    return ["reset"] + ["window"] * count


def test_a_memory_has_to_fill_before_anything_is_decided():
    times, values = clean(48)
    stream = Chunks()
    feed(stream, times, values)
    assert stream.events == [Event("started", times[39], 3, ONE)]  # 5 chunks: the first that ends behind 29 + 8 samples
    assert stream.calls == runs(6)


@pytest.mark.parametrize("memory, undecided", [(1, 1), (8, 1), (9, 2), (16, 2)])
def test_decisions_begin_when_memory_and_window_were_seen(memory, undecided):
    times, values = clean(48)
    stream = Stream(dataclasses.replace(CHUNKS, memory=memory), always(3), reset=lambda: None)
    assert feed(stream, times, values)[0].time_us == times[8 * undecided + 7]


def test_after_a_pause_the_memory_is_cleared_and_fills_again():
    times, values = clean(100)
    times = [time + (500_001 if i >= 50 else 0) for i, time in enumerate(times)]
    stream = Chunks()
    feed(stream, times, values)
    assert [event[:2] for event in stream.events] == [
        ("started", times[39]), ("gap", times[50]), ("ended", times[49]), ("started", times[89])
    ]  # fmt: skip
    assert stream.calls == runs(6) + runs(6)


def test_a_pause_that_is_bridged_breaks_nothing():
    times, values = clean(100)
    times = [time + (100_000 if i >= 50 else 0) for i, time in enumerate(times)]
    stream = Chunks()
    feed(stream, times, values)
    assert [event.kind for event in stream.events] == ["started"]
    assert stream.calls == runs(13)


def test_a_reset_clears_the_memory_before_the_next_run_only():
    times, values = clean(100)
    stream = Chunks()
    feed(stream, times[:50], values[:50])
    stream.reset()
    stream.reset()
    assert stream.calls == runs(6)
    feed(stream, times[50:], values[50:])
    assert stream.calls == runs(6) + runs(6)
    assert [event[:2] for event in stream.events] == [
        ("started", times[39]), ("ended", times[49]), ("started", times[89])
    ]  # fmt: skip


def test_a_lost_chunk_ends_the_activity_and_clears_the_memory():
    times, values = clean(96)
    stream = Chunks()
    for i in range(96):
        stream.push(times[i], values[i])
        if not 40 <= i < 55:  # the chunk that ends at 47 waits until that at 55 is there
            stream.run()
    assert [event[:2] for event in stream.events] == [
        ("started", times[39]), ("overrun", times[47]), ("ended", times[47]), ("started", times[87])
    ]  # fmt: skip
    assert stream.calls == runs(5) + runs(6)
