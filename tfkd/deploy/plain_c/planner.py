"""Places what lives at the same time side by side in one buffer, in as few bytes as it finds."""

import numpy as np

ALIGNMENT = 8


def place(storages, tries=200):
    """Gives each `Storage` its offset: lowest fit, in several orders; the one with the smallest result stays.

    Args:
        storages: list of `Storage`. Two may share bytes as long as their pieces do not meet in time.
        tries: how many random orders, the same ones in each run.

    Returns:
        The bytes needed for all.
    """
    generator = np.random.default_rng(0)
    orders = [
        sorted(storages, key=lambda s: (-s.size, s.first)),
        sorted(storages, key=lambda s: (s.first, -s.size)),
        sorted(storages, key=lambda s: (-(s.last - s.first), -s.size)),
    ]
    orders += [[storages[i] for i in generator.permutation(len(storages))] for _ in range(tries)]
    plans = [_lowest_fit(order) for order in orders]
    best = min(plans, key=_total)
    for storage in storages:
        storage.offset = best[storage]
    return _round_up(_total(best))


def _total(offsets):
    return max((offset + storage.size for storage, offset in offsets.items()), default=0)


def _lowest_fit(order):
    """The lowest offset for each storage, in the given order, at which it meets none placed before."""
    offsets = {}
    for storage in order:
        # Offsets that would make a piece of this storage meet a piece of another: start < offset < end.
        taken = [
            (offset - piece.size, offset + rival.size)
            for other, offset in offsets.items()
            for rival in other.pieces
            for piece in storage.pieces
            if rival.first <= piece.last and piece.first <= rival.last
        ]
        candidates = sorted({0, *(_round_up(end) for _, end in taken)})
        offsets[storage] = next(c for c in candidates if not any(start < c < end for start, end in taken))
    return offsets


def _round_up(value):
    return -(-value // ALIGNMENT) * ALIGNMENT
