"""Word vectors of class names: which words, which sums, and what is said of files that do not serve."""

import numpy as np
import pytest

from tfkd.data import DataError, label_vectors

GLOVE = "the 9 9 9\nswipe 1 0 0.5\nleft 0 2 0\ncw 0 0 4\nsit 1 1 1\n2 0.5 0 0\nstand 3 0 0\n"


@pytest.fixture
def glove(tmp_path):
    path = tmp_path / "glove.3d.txt"
    path.write_text(GLOVE)
    return path


def test_a_class_is_the_sum_of_its_words(glove):
    vectors = label_vectors(glove, ("swipe_left", "CW", "sit2stand"))
    np.testing.assert_array_equal(vectors, [[1, 2, 0.5], [0, 0, 4], [4.5, 1, 1]])
    assert vectors.dtype == np.float32


def test_phrases_take_the_place_of_names(glove):
    vectors = label_vectors(glove, ("wave", "CW"), phrases={"wave": "swipe the left"})
    np.testing.assert_array_equal(vectors[0], [10, 11, 9.5])


def test_a_line_of_counts_is_passed_over(glove, tmp_path):
    path = tmp_path / "word2vec.txt"
    path.write_text("7 3\n" + GLOVE)
    np.testing.assert_array_equal(label_vectors(path, ("left",)), label_vectors(glove, ("left",)))


@pytest.mark.parametrize(
    ("classes", "phrases", "said"),
    [
        (("swipe_left", "arm_curl"), None, r"no vector for \['arm', 'curl'\] of the class 'arm_curl'"),
        (("left",), {"right": "left"}, r"phrases names \['right'\]"),
        (("left", "__"), None, r"\['__'\] have no words"),
    ],
)
def test_what_cannot_be_found_is_named(glove, classes, phrases, said):
    with pytest.raises(DataError, match=said):
        label_vectors(glove, classes, phrases)


@pytest.mark.parametrize("line", ["left 1 2", "left 1 2 x", "left 1 2 nan"])
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "glove.txt"
    path.write_text(f"swipe 1 0 0\n{line}\n")
    with pytest.raises(DataError, match=r"glove\.txt, line 2"):
        label_vectors(path, ("left",))


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_an_unreadable_file_is_named(tmp_path, content):
    path = tmp_path / "glove.txt"
    if content:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"glove\.txt cannot be read"):
        label_vectors(path, ("left",))
