"""What the tests of the Berkeley-MHAD reader share: a tree, and ways to read it."""

import shutil

import numpy as np
import pytest

from tests.formats import berkeley
from tests.formats import berkeley_motion as motion
from tfkd.data.berkeley_mhad import read_berkeley_mhad

TRIAL = berkeley.TRIALS[0]
GRID = motion.BEGIN + np.arange(38) / 30  # the motion capture lies within every accelerometer's time


@pytest.fixture(scope="module")
def flawless(tmp_path_factory):
    """Four trials with accelerometers and BVH and marker files, and one with every kind of skeleton."""
    folder = tmp_path_factory.mktemp("berkeley") / "tree"
    berkeley.build(folder)
    return berkeley.build(folder, [TRIAL], ("csv",))


@pytest.fixture
def tree(flawless, tmp_path):
    return shutil.copytree(flawless, tmp_path / "tree")


def only(tree, *kinds):
    """The first trial, with these kinds of skeletons."""
    for path in [p for p in tree.rglob("*_s*.*") if TRIAL not in p.name]:
        path.unlink()
    for kind in set(berkeley.FOLDERS) - set(kinds):
        berkeley.path_of(tree, TRIAL, kind).unlink()
    return tree


def read_one(tree, **options):
    (recording,) = read_berkeley_mhad(tree, use_cache=False, **options)
    return recording


def same(a, b):
    return [r.id for r in a] == [r.id for r in b] and all(
        (x.subject, x.label, x.trial, set(x.streams)) == (y.subject, y.label, y.trial, set(y.streams))
        and all(np.array_equal(x.streams[m], y.streams[m]) for m in x.streams)
        for x, y in zip(a, b)
    )


def read_skipping(tree):
    """Read twice, the second time from the cache."""
    read = read_berkeley_mhad(tree, on_error="skip")
    again = read_berkeley_mhad(tree, on_error="skip")
    assert same(read, again) and read.notes == again.notes
    return read
