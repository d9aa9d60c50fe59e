"""Word vectors of class names, from a text file in GloVe's format."""

import re

import numpy as np

from tfkd.data.recordings import DataError


def label_vectors(path, classes, phrases=None):
    """A vector for each class: the sum of the vectors of the words of its name.

    The sum is what VSKD's authors released for UTD-MHAD. Words are looked for as they are written and then
    in lower case; a name is cut into words at everything that is neither letter nor digit, and between a
    digit and a letter (`"draw_circle_CW"`, `"sit2stand"`).

    Args:
        path: text file, a word and its numbers a line, separated by spaces (Pennington, Socher, Manning,
            "GloVe: global vectors for word representation", EMNLP 2014).
        classes: class names, in the order of the labels.
        phrases: class name -> words to take instead of the name's, for example
            `{"swipe_left": "right arm swipe to the left"}`.

    Returns:
        float32 `(len(classes), width)`.

    Raises:
        DataError: the file cannot be read or is of another format, or has no vector for a word; the
            message names the class and the word.
    """
    phrases = dict(phrases or {})
    if unknown := sorted(set(phrases) - set(classes)):
        raise DataError(f"phrases names {unknown}, which are no classes; those are {list(classes)}.")
    words = {name: _words(phrases.get(name, name)) for name in classes}
    if wordless := [name for name, found in words.items() if not found]:
        raise DataError(f"The classes {wordless} have no words. Give them some with phrases={{...}}.")
    wanted = {form for found in words.values() for word in found for form in (word, word.lower())}
    vectors = _read(path, wanted)
    rows = []
    for name, found in words.items():
        if missing := [word for word in found if word not in vectors and word.lower() not in vectors]:
            raise DataError(
                f"{path} has no vector for {missing} of the class {name!r}. Say it in other words with "
                f"phrases={{{name!r}: ...}}, or take a larger file."
            )
        rows.append(sum(vectors[word] if word in vectors else vectors[word.lower()] for word in found))
    return np.stack(rows)


def _words(name):
    return re.findall(r"[^\W\d_]+|\d+", name)


def _read(path, wanted):
    """The vectors of `wanted` words that the file has; the rest of it, some gigabytes often, is passed over."""
    found, width = {}, None
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                word, *values = line.rstrip().split(" ")
                if number == 1 and len(values) == 1 and values[0].isdigit():
                    continue  # word2vec's text format begins with a line of counts
                if width is None:
                    width = len(values)
                if word not in wanted:
                    continue
                found[word] = _vector(values, width, path, number)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a text file of word vectors: {error}") from error
    return found


def _vector(values, width, path, number):
    try:
        vector = np.array([float(value) for value in values], "float32")
    except ValueError as error:
        raise DataError(f"{path}, line {number}: {error}; expected a word and its numbers.") from error
    if len(vector) != width or not width or not np.isfinite(vector).all():
        raise DataError(
            f"{path}, line {number}: {len(vector)} numbers, not all finite or not the {width} of the first line."
        )
    return vector
