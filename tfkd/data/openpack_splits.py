"""OpenPack's protocols: who trains and who is tested."""

import dataclasses

from tfkd.data.openpack_facts import CHALLENGE_2022, PILOT
from tfkd.data.recordings import DataError, Recordings
from tfkd.data.splits import Split


def challenge_2022(recordings, validation_subjects=()):
    """The sessions that the OpenPack Challenge 2022 gave for training train; its submission sessions test.

    Those are of other people than the training sessions. (The challenge's own validation and test sessions are of
    people who train; they are left out here.)
    """
    sides = CHALLENGE_2022["train"], CHALLENGE_2022["submission"]
    return _by_session("challenge_2022", recordings, *sides, validation_subjects)


def pilot(recordings, validation_subjects=()):
    """The pilot challenge: U0102, U0103 and U0105 train, U0106 tests (sessions 1, 3 and 5)."""
    return _by_session("pilot", recordings, PILOT["train"], PILOT["test"], validation_subjects)


def by_box(recordings, validation_subjects=()):
    """The first three quarters of each session's boxes train, the others test: for somebody with a session or two.

    The same people train and test, on the same day, so its figures say nothing about new people.
    """
    boxes = boxes_of(recordings)
    last = {}
    for recording in boxes:
        session = recording.conditions["user"], recording.conditions["session"]
        last[session] = max(last.get(session, 0), recording.conditions["box"])

    def early(recording):
        conditions = recording.conditions
        return conditions["box"] <= 0.75 * last[conditions["user"], conditions["session"]]

    held_out = set(validation_subjects)
    return Split(
        "by_box",
        boxes.where(lambda r: early(r) and r.subject not in held_out),
        boxes.where(lambda r: early(r) and r.subject in held_out),
        boxes.where(lambda r: not early(r)),
        same_people=True,
    )


PROTOCOLS = {"challenge_2022": challenge_2022, "pilot": pilot, "by_box": by_box}


def boxes_of(recordings):
    """One recording for each box that was packed, `U0209-S0500#3`, from its first operation to the end of its last."""
    items = []
    for recording in recordings:
        parts = dict.fromkeys(interval.part for interval in recording.intervals)
        for box in parts:
            own = [interval for interval in recording.intervals if interval.part == box]
            begin, end = int(own[0].begin), int(own[-1].end)
            rates = {m: int(recordings.streams[m].rate_hz) for m in recording.streams}
            streams = {m: v[begin * rates[m] : end * rates[m] + 1] for m, v in recording.streams.items()}
            intervals = tuple(i._replace(begin=i.begin - begin, end=i.end - begin) for i in own)
            named = {"id": f"{recording.id}#{box}", "conditions": {**recording.conditions, "box": box}}
            items.append(dataclasses.replace(recording, streams=streams, intervals=intervals, **named))
    return Recordings(items, recordings.classes, recordings.streams, recordings.name, recordings.notes)


def _by_session(name, recordings, train, test, validation_subjects):
    def of(sessions):
        return recordings.where(lambda r: (r.conditions["user"], r.conditions["session"]) in sessions)

    for side, sessions in (("train", train), ("test", test)):
        if not len(of(sessions)):
            found = sorted({f"{r.conditions['user']} {r.conditions['session']}" for r in recordings})
            users = sorted({user for user, _ in sessions})
            raise DataError(
                f"The split {name} leaves no recording for {side}, which takes sessions of {', '.join(users)}; found "
                f"are {', '.join(found[:5])}{', ...' * (len(found) > 5)}. Get some of those people too "
                f"(tools/download.py --dataset openpack --users {','.join(users[:2])}), or learn and test on the "
                "sessions that are there, which says nothing of new people: --set data.split=by_box."
            )
    held_out, train = set(validation_subjects), of(train)
    if absent := held_out - set(train.subjects):
        raise DataError(f"validation_subjects {sorted(absent)} are not among the training people {train.subjects}.")
    return Split(name, train.of_subjects(set(train.subjects) - held_out), train.of_subjects(held_out), of(test))
