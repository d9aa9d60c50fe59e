"""The figure for OpenPack is the one that its own toolkit computes."""

import numpy as np
import pytest

from tests.formats import openpack as tree_of
from tfkd.data.continuous import continuous
from tfkd.data.openpack import CLASSES, read_openpack
from tfkd.data.openpack_facts import OPERATIONS
from tfkd.evaluation import Predictions

SECONDS = 90
IDS = np.array(list(OPERATIONS))


@pytest.fixture(params=range(3))
def answers(tmp_path, request):
    """True operation and decided class of each second of a session, and what tfkd makes of them."""
    tree = tree_of.build(tmp_path, {"U0102": ["S0100"]}, SECONDS, keypoints=False)
    true = np.loadtxt(tree_of.label_path(tree, "U0102", "S0100"), delimiter=",", skiprows=1, usecols=4, dtype=int)
    windows = continuous(read_openpack(tree, ("imu",), use_cache=False), {"imu": 61}, hop=30, keep_unlabelled=False)
    # A decision for every second that is not Null, and for no other.
    assert [start // 30 for start in windows.starts + 15] == np.flatnonzero(true != 8100).tolist()
    rng = np.random.default_rng(request.param)
    decided = IDS[rng.integers(0, len(IDS), SECONDS)]  # four of the ten operations are never done here
    decided = np.where((rng.uniform(size=SECONDS) < 0.6) & (true != 8100), true, decided)
    logits = np.eye(len(CLASSES), dtype="float32")[np.searchsorted(IDS, decided[true != 8100])]
    return true, decided, Predictions.of(windows, logits).metrics()["macro_f1"]


def test_macro_f1_at_one_hertz_without_null(answers):
    true, decided, ours = answers
    true, decided = true[true != 8100], decided[true != 8100]
    hits = [((true == i) & (decided == i)).sum() for i in IDS]
    told = [(true == i).sum() + (decided == i).sum() for i in IDS]
    assert ours == pytest.approx(np.mean([2 * hit / max(count, 1) for hit, count in zip(hits, told)]))


def test_the_toolkit_gives_the_same(answers):
    reason = "compares with openpack-toolkit, where that is installed; its definition is tested above"
    toolkit = pytest.importorskip("openpack_toolkit.codalab.operation_segmentation.eval", reason=reason)
    true, decided, ours = answers
    theirs = toolkit.eval_operation_segmentation(true, decided, (*OPERATIONS.items(), (8100, "Null")), 8100)
    assert ours == pytest.approx(theirs.loc["avg/macro", "f1"])
