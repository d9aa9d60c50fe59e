"""Plots as inline SVG: they take their colours from the page, and the same numbers give the same bytes.

The colours below are placeholders that `_svg` turns into the page's CSS variables, so that a plot is
readable on a light and on a dark page.
"""

import contextlib
import math
import re
import warnings
from html import escape

INK, MUTED, LINE, ACCENT, WARM = "#010203", "#020304", "#030405", "#040506", "#050607"
_VARIABLES = {INK: "--ink", MUTED: "--muted", LINE: "--line", ACCENT: "--accent", WARM: "--warm"}
_SERIES = (ACCENT, WARM, INK, MUTED)
_DASHES = ("-", "--", ":")
_LONGEST_NAME = 24


def seed_dots(rows, score, label):
    """The score of each stage: one dot a seed, and a bar at their mean.

    Args:
        rows: list of `(name, scores)`, scores as shares of 1, one a seed.
        score: what the axis says.
        label: what a screen reader says.

    Returns:
        The `<svg>` element as text.
    """
    names = max(1.65, 0.072 * max(len(name) for name, _ in rows) + 0.05)  # inches
    figure, axes = _figure(2.55 + names, 0.32 * len(rows) + 0.5, left=names, right=0.15, top=0.1, bottom=0.4)
    for y, (name, values) in enumerate(rows):
        percent = [100 * value for value in values]
        mean = sum(percent) / len(percent)
        axes.axhline(y, color=LINE, linewidth=0.7, zorder=0)
        axes.plot(percent, [y] * len(percent), "o", color=ACCENT, alpha=0.55, markersize=5, mew=0)
        axes.plot([mean, mean], [y - 0.3, y + 0.3], color=INK, linewidth=1.6, solid_capstyle="butt")
        axes.text(-0.03, y, name, ha="right", va="center", color=INK, fontsize=9, parse_math=False,
                  transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.margins(x=0.06)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel(score, color=MUTED, fontsize=8.5, labelpad=2)
    return _svg(figure, label)


def curves(runs, label):
    """A value over epochs: a thin line for each seed, a thick one for their mean.

    Args:
        runs: list of lists of numbers, one a seed; where their lengths differ, the mean goes as far
            as the shortest.
        label: what a screen reader says.

    Returns:
        The `<svg>` element as text, or `None` if there is nothing to draw.
    """
    runs = [[_number(value) for value in run] for run in runs if run]
    if not any(math.isfinite(value) for run in runs for value in run):
        return None
    figure, axes = _figure(3.2, 1.9, left=0.45, right=0.1, top=0.08, bottom=0.42)
    for run in runs:
        marker = "." if len(run) == 1 else ""
        axes.plot(range(1, len(run) + 1), run, marker=marker, color=ACCENT, alpha=0.35, linewidth=0.7)
    mean = [sum(values) / len(values) for values in zip(*runs)]
    axes.plot(range(1, len(mean) + 1), mean, color=ACCENT, linewidth=1.6)
    if all(not value < 0 for run in runs for value in run):
        axes.set_ylim(bottom=0)
    axes.locator_params(nbins=5)
    axes.set_xlabel("epoch", color=MUTED, fontsize=8.5, labelpad=1)
    return _svg(figure, label)


def confusion_matrix(table, classes, label):
    """Counts of true class (row) against given answer (column); zero cells stay blank.

    Args:
        table: `(classes, classes)` counts.
        classes: names.
        label: what a screen reader says.

    Returns:
        The `<svg>` element as text.
    """
    from matplotlib.patches import Rectangle

    count = len(classes)
    names = [_shortened(name) for name in classes]
    margin = 0.3 + 0.067 * max(map(len, names))
    cell = 0.245
    side = cell * count
    figure, axes = _figure(side + margin, side + margin, left=margin, right=0.03, top=0.03, bottom=margin)
    for row in range(count):
        total = table[row].sum()
        for column in range(count):
            if not table[row][column]:
                continue
            # Never fully opaque: the number on it has the page's ink, dark or light.
            share = table[row][column] / total
            colour = ACCENT if row == column else WARM
            axes.add_patch(Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, color=colour, lw=0,
                                     alpha=0.12 + 0.45 * share, clip_on=False))  # fmt: skip
            axes.text(column, row, str(table[row][column]), ha="center", va="center_baseline", color=INK,
                      fontsize=7 if table[row][column] < 1000 else 5)  # fmt: skip
    upright = {"rotation": 90, "rotation_mode": "anchor"}
    for i, name in enumerate(names):
        style = {"color": INK, "fontsize": 8, "parse_math": False}
        axes.text(-0.65, i, name, ha="right", va="center_baseline", **style)
        axes.text(i, count - 0.35, name, ha="right", va="center_baseline", **upright, **style)
    for i in range(count + 1):
        axes.axhline(i - 0.5, color=LINE, linewidth=0.4, zorder=0)
        axes.axvline(i - 0.5, color=LINE, linewidth=0.4, zorder=0)
    axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5), xticks=[], yticks=[])
    title = {"color": MUTED, "fontsize": 8, "ha": "center", "va": "center"}
    edge, middle = 0.09 / (side + margin), side / (side + margin) / 2
    figure.text(edge, 1 - middle, "performed", **upright, **title)
    figure.text(1 - middle, edge, "recognised as", **title)
    axes.spines[:].set_visible(False)
    return _svg(figure, label)


def compared_dots(rows, series, score, label):
    """The score under several conditions, side by side: for each a line of dots, a bar each at the means.

    Args:
        rows: list of `(name, [scores of each series])`, scores as shares of 1, one a seed; at most twelve series.
        series: names, one for each list of scores.
        score: what the axis says.
        label: what a screen reader says.

    Returns:
        The `<svg>` element as text.
    """
    names = max(1.65, 0.072 * max(len(name) for name, _ in rows) + 0.05)  # inches
    lane = 0.8 / len(series)
    height = (0.13 + 0.11 * len(series)) * len(rows) + 0.3 + 0.45
    figure, axes = _figure(3.4 + names, height, left=names, right=0.15, top=0.3, bottom=0.45)
    for y, (name, of_series) in enumerate(rows):
        axes.axhline(y - 0.5, color=LINE, linewidth=0.5, zorder=0)
        for i, values in enumerate(of_series):
            at = y - 0.4 + lane * (i + 0.5)
            percent = [100 * value for value in values]
            mean = sum(percent) / len(percent)
            colour = {"color": _SERIES[i % 4]}
            axes.plot(percent, [at] * len(percent), "os^"[i // 4], **colour, alpha=0.4, markersize=3.5, mew=0)
            axes.plot([mean], [at], "|", **colour, markersize=7, mew=1.8)
        axes.text(-0.03, y, name, ha="right", va="center", color=INK, fontsize=8.5, parse_math=False,
                  transform=axes.get_yaxis_transform())  # fmt: skip
    for i, name in enumerate(series):
        at = (names + 3.25 * (i + 0.5) / len(series)) / (3.4 + names)
        figure.text(at, 1 - 0.17 / height, f"{'●■▲'[i // 4]} {name}", ha="center", va="center", color=_SERIES[i % 4],
                    fontsize=8.5, parse_math=False)  # fmt: skip
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.margins(x=0.05)
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(score, color=MUTED, fontsize=8.5, labelpad=2)
    return _svg(figure, label)


def score_over(lines, quantity, score, label):
    """The score over a number: a line for each name through the means, with the standard deviation as a bar.

    Args:
        lines: name -> list of `(value, mean, standard deviation)`, the last two as shares of 1.
        quantity: what the values are.
        score: what the other axis says.
        label: what a screen reader says.

    Returns:
        The `<svg>` element as text.
    """
    names = 0.25 + 0.072 * max(map(len, lines))  # inches
    figure, axes = _figure(3.9 + names, max(2.6, 0.22 * len(lines) + 1.2), left=0.5, right=names, top=0.1, bottom=0.45)
    values = sorted({value for points in lines.values() for value, _, _ in points})
    width = (values[-1] - values[0]) or 1.0
    ends = []
    for i, (name, points) in enumerate(lines.items()):
        colour, dashes = _SERIES[i % len(_SERIES)], _DASHES[i // len(_SERIES) % len(_DASHES)]
        aside = 0.006 * width * (i - (len(lines) - 1) / 2)  # bars beside each other, not on each other
        x, mean, spread = ([scale * v for v in column] for scale, column in zip((1, 100, 100), zip(*points)))
        x = [value + aside for value in x]
        axes.errorbar(x, mean, spread, color=colour, linestyle=dashes, marker="o", markersize=3.5, linewidth=1.4,
                      elinewidth=0.8, alpha=0.85)  # fmt: skip
        ends.append((mean[-1], x[-1], name, colour))
    low, high = axes.get_ylim()
    gap = (high - low) * 0.155 / (figure.get_figheight() - 0.55)
    at = -math.inf
    for mean, x, name, colour in sorted(ends):  # names beside the lines' ends, moved up where they would touch
        at = max(mean, at + gap)
        axes.annotate(name, (x, mean), xytext=(values[-1] + 0.05 * width, at), color=colour, fontsize=8.5, va="center",
                      parse_math=False, annotation_clip=False)  # fmt: skip
    axes.set_ylim(low, max(high, at + gap / 2))
    axes.set_xticks(values if len(values) <= 8 else values[:: math.ceil(len(values) / 8)])
    axes.locator_params(axis="y", nbins=6)
    axes.set_ylabel(score, color=MUTED, fontsize=8.5, labelpad=2)
    axes.set_xlabel(quantity, color=MUTED, fontsize=8.5, labelpad=2, parse_math=False)
    return _svg(figure, label)


def trade_off(points, quantity, score, label):
    """The score over what it costs, a dot for each student; those that fit are full, the front is a line.

    Args:
        points: list of `(cost, score, fits, on the front)`, the score as a share of 1.
        quantity: what the cost is.
        score: what the other axis says.
        label: what a screen reader says.

    Returns:
        The `<svg>` element as text.
    """
    figure, axes = _figure(4.2, 2.8, left=0.5, right=0.15, top=0.1, bottom=0.45)
    best = sorted(points)
    best = [(x, y) for i, (x, y, *_) in enumerate(best) if all(y > other for _, other, *_ in best[:i])]
    axes.step(*zip(*((x, 100 * y) for x, y in best)), where="post", color=LINE, linewidth=1.2)
    for x, y, fits, front in points:
        colour = _SERIES[0] if front else MUTED
        axes.plot(x, 100 * y, "o", markersize=5, color=colour, markerfacecolor=colour if fits else "none")
    axes.locator_params(nbins=6)
    axes.set_ylabel(score, color=MUTED, fontsize=8.5, labelpad=2)
    axes.set_xlabel(quantity, color=MUTED, fontsize=8.5, labelpad=2, parse_math=False)
    return _svg(figure, label)


def _figure(width, height, left, right, top, bottom):
    """A figure and its one pair of axes; all lengths in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height))
    axes.patch.set_visible(False)
    figure.patch.set_visible(False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(length=0, labelsize=8, labelcolor=MUTED)
    axes.grid(axis="y", color=LINE, linewidth=0.5)
    return figure, axes


def _svg(figure, label):
    """The figure as an `<svg>` element that fits into an HTML page."""
    import io

    import matplotlib

    buffer = io.StringIO()
    # Ids are hashes of what they name and of the salt: reproducible, and different in each plot of a page.
    settings = {"svg.fonttype": "none", "svg.hashsalt": label}
    with matplotlib.rc_context(settings), _no_glyph_warnings():
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    width, height = (float(v) for v in re.search(r'viewBox="0 0 (\S+) (\S+)"', text).groups())
    body = text[text.index(">", text.index("<svg")) + 1 :]
    for unwanted in ("metadata", "style", "clipPath"):
        body = re.sub(f"<{unwanted}.*?</{unwanted}>", "", body, flags=re.S)
    # Only tags are touched, never text between them: "<" and ">" of a class name are escaped there.
    body = re.sub(r"<[^>]*>", _tidy_tag, body)
    body = re.sub(r"</?g>|<defs>\s*</defs>", "", body)  # groups: they hold no style any more
    body = " ".join(body.split())
    return f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width:g} {height:g}">{body}'


def _tidy_tag(match):
    """One tag with the page's font and colours, rounded coordinates and no more than it needs."""
    tag = match.group()
    if tag.startswith("<g "):
        return "<g>"
    tag = re.sub(r' clip-path="[^"]*"| transform="rotate\(-0 [^"]*"', "", tag)
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)
    tag = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", tag)
    tag = re.sub(r' (d|x|y|transform)="[^"]*"', _rounded, tag.replace("xlink:href", "href"))
    return re.sub("|".join(_VARIABLES), lambda colour: f"var({_VARIABLES[colour.group()]})", tag)


def _rounded(match):
    return re.sub(r"\d+\.\d{2,}", lambda number: f"{float(number.group()):.1f}", match.group())


@contextlib.contextmanager
def _no_glyph_warnings():
    """The browser has the glyphs that matplotlib's font lacks (class names may be Japanese)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _shortened(name):
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _number(value):
    return math.nan if value is None else float(value)
