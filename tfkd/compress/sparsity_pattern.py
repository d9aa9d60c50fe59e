"""Which weights of a kernel go together when they are pruned."""

import dataclasses
import re

import numpy as np


@dataclasses.dataclass(frozen=True)
class Pattern:
    """Where zeros may lie in a kernel.

    A kernel counts as the matrix of a dense layer on windows: a row for each value of a window (first axis of the
    window first, channels last), a column for each output channel. A column is what a microcontroller multiplies
    with the window, and lies in one piece in a `.tflite` file. So both patterns run down a column, as TFMOT's do in
    dense layers: `"2:4"` puts 2 zeros into each 4 values that one output channel sees, `"4x1"` prunes 4 such values
    together. Across output channels (`"1x4"`) blocks can be pruned too, but no engine of ours gains by it, and whole
    output channels leave better with `tfkd.compress.Channels`.

    Attributes:
        m_by_n: m zeros in every n values, as TFMOT counts; or `None`.
        block: height (values of a window) and width (output channels) of what is pruned together.

    Example:

    ```python
    Pattern.parse("2:4").share   # 0.5
    ```
    """

    m_by_n: tuple[int, int] | None = None
    block: tuple[int, int] = (1, 1)

    @classmethod
    def parse(cls, text):
        """A pattern from words: `"unstructured"`, m zeros in every n as `"2:4"`, or blocks as `"4x1"`.

        Raises:
            ValueError: `text` is none of these.
        """
        if text == "unstructured":
            return cls()
        numbers = re.fullmatch(r"(\d{1,4})(:|x)(\d{1,4})", text)
        first, second = (int(numbers[1]), int(numbers[3])) if numbers else (0, 0)
        if numbers and numbers[2] == ":" and 0 < first < second:
            return cls(m_by_n=(first, second))
        if numbers and numbers[2] == "x" and first * second > 1:
            return cls(block=(first, second))
        raise ValueError(
            f"A pattern is 'unstructured', zeros in every so many weights with fewer of the former as '2:4', or "
            f"blocks of at least 2 weights as '4x1', not {text!r}."
        )

    @property
    def share(self):
        """The sparsity that the pattern brings by itself, m / n; `None` where it can be chosen."""
        return self.m_by_n and self.m_by_n[0] / self.m_by_n[1]

    def keeps(self, kernel, sparsity=None):
        """Which weights stay: those of the largest magnitudes, or blocks of the largest sums of magnitudes.

        `Pruning` chooses the same by TFMOT while it trains; this is for measuring without training. A block or group
        of n that the end of a column cuts short counts as filled up with zeros.

        Args:
            kernel: array `(..., output channels)`.
            sparsity: share of its weights, or of its blocks, that go, from 0 up to but not 1; not used for m:n.

        Returns:
            Booleans in the kernel's shape.
        """
        kernel = np.asarray(kernel)
        sizes = np.abs(kernel.reshape(-1, kernel.shape[-1]).astype(np.float64))
        (rows, columns), (height, width) = sizes.shape, (self.m_by_n[1], 1) if self.m_by_n else self.block
        blocks = np.pad(sizes, [(0, -rows % height), (0, -columns % width)])
        blocks = blocks.reshape(len(blocks) // height, height, -1, width)
        if self.m_by_n:
            order = np.argsort(-blocks, axis=1, kind="stable")
            kept = np.argsort(order, axis=1) < height - self.m_by_n[0]
        else:
            sums = blocks.sum(axis=(1, 3))
            largest = np.argsort(-sums.ravel(), kind="stable")[: max(round(sums.size * (1 - sparsity)), 1)]
            chosen = np.zeros(sums.size, bool)
            chosen[largest] = True
            kept = np.broadcast_to(chosen.reshape(len(sums), 1, -1, 1), blocks.shape)
        return kept.reshape(len(blocks) * height, -1)[:rows, :columns].reshape(kernel.shape)

    def zeroed(self, kernel, sparsity=None):
        """A copy of `kernel` with zeros where `keeps` says no."""
        return np.where(self.keeps(kernel, sparsity), kernel, np.zeros_like(kernel))
