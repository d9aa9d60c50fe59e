"""Tables of what the firmware was found to need."""

# Named cores for an estimate of time. QEMU counts instructions; the cycles each takes are assumed.
_CYCLES = (1.2, 1.6)
_BOARDS = {
    "nRF52840, 64 MHz": 64e6,
    "STM32L4R5, 120 MHz": 120e6,
    "STM32F405, 168 MHz": 168e6,
}
_ESTIMATE = (
    f"Milliseconds are estimates, not measurements: {_CYCLES[0]} to {_CYCLES[1]} cycles an instruction, "
    "which is what published times of other networks on a Cortex-M4 with flash wait states come to. "
    "For Cortex-M7 and M55 there is nothing to base an estimate on."
)


def milliseconds(instructions, hertz):
    """The bracket of estimated milliseconds on a Cortex-M4, as a text."""
    low, high = (1000 * instructions * cycles / hertz for cycles in _CYCLES)
    return f"{low:.1f} to {high:.1f}"


def table(measured):
    """A table for people, one column a target.

    Args:
        measured: list of `Measured`.

    Returns:
        A text of several lines.
    """
    rows = [
        ["", *(m.target for m in measured)],
        ["core", *(m.core or "this machine" for m in measured)],
        ["engine", *(m.engine for m in measured)],
        ["golden windows identical", *(f"{m.identical} of {m.windows}" for m in measured)],
        ["output identical", *("yes" if m.identical == m.windows else "NO" for m in measured)],
        *_images(measured),
        [f"events as on {measured[0].target}", *("yes" if m.events == measured[0].events else "NO" for m in measured)],
        [""],
    ]
    parts = dict.fromkeys(part for m in measured for part in m.flash)
    for part in parts:
        for kind in ("code", "constants"):
            sizes = [m.flash.get(part, {}).get(kind) for m in measured]
            if any(sizes):
                rows.append([f"flash, {part}, {kind}", *map(_integer, sizes)])
    rows += [
        ["flash, all", *(_integer(flash_bytes(m.flash) or None) for m in measured)],
        ["RAM, static", *(_integer(m.ram or None) for m in measured)],
        ["  of it the engine's memory", *(_integer(m.memory) for m in measured)],
        ["stack, most in use", *(_integer(m.stack or None) for m in measured)],
        [""],
        ["instructions an inference", *(_mean(m.instructions.get("mean")) for m in measured)],
        ["  least", *(_integer(m.instructions.get("min")) for m in measured)],
        ["  most", *(_integer(m.instructions.get("max")) for m in measured)],
    ]
    kernels = {}  # and the largest share that each has anywhere
    for m in measured:
        for name, count in m.functions.items():
            kernels[name] = max(count / m.instructions["mean"], kernels.get(name, 0))
    shown = [name for name in sorted(kernels, key=kernels.get, reverse=True) if kernels[name] >= 0.001]
    rows += [[f"  {name[:60]}", *(_mean(m.functions.get(name)) for m in measured)] for name in shown]
    rest = [sum(count for name, count in m.functions.items() if name not in shown) for m in measured]
    rows.append(["  the rest", *(_mean(count or None) for count in rest)])
    rows += [
        [""],
        [f"outside, for {max(m.samples for m in measured)} samples", *(_mean(m.outside or None) for m in measured)],
        ["  share of an inference", *(_share(m) for m in measured)],
        [""],
    ]
    for board, hertz in _BOARDS.items():
        m4 = [m.instructions["mean"] if m.core == "cortex-m4" else None for m in measured]
        rows.append([f"ms, {board} (estimate)", *(milliseconds(n, hertz) if n else "-" for n in m4)])
    return f"{_aligned(rows)}\nSizes in bytes. {_ESTIMATE}\n"


def _images(measured):
    """Rows for a student whose windows the firmware turns into images."""
    if not any(m.encoded for m in measured):
        return []
    return [["image values off by a step", *(f"{m.encoded_off / m.encoded:.2%}" for m in measured)]]


def flash_bytes(flash):
    """Flash of a whole image in bytes; `flash` as `Measured` has it."""
    return sum(sum(sizes.values()) for sizes in flash.values())


def readme_table(records):
    """The table of README.md.

    Args:
        records: list of dicts as `micro/measured.json` has them: one for each student and engine.

    Returns:
        Markdown.
    """
    lines = [
        "| student | engine | core | instructions | ms at 64 MHz | flash: engine | flash: all | RAM: engine | "
        "stack | outside | same bytes |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for record in sorted(records, key=lambda record: (record["model"], record["engine"] != "plain C")):
        for target in record["targets"]:
            if not target["instructions"] or target["target"] == "netduinoplus2":  # the same core as mps2-an386
                continue
            parts = ("student", "TensorFlow Lite Micro")
            engine = flash_bytes({part: target["flash"].get(part, {}) for part in parts})
            mean, core = target["instructions"]["mean"], target["core"]
            same = target["identical"] == target["windows"]
            cells = [
                record["model"],
                record["engine"],
                core,
                f"{mean:,.0f}",
                milliseconds(mean, 64e6) if core == "cortex-m4" else "",
                _kilobytes(engine),
                _kilobytes(flash_bytes(target["flash"])),
                _kilobytes(target["memory"]),
                f"{target['stack']} B",
                f"{target['outside'] / mean:.1%}",
                "yes" if same else "NO",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    for command in dict.fromkeys(record["command"] for record in records):
        made = [record for record in records if record["command"] == command]
        students = ", ".join(record["model"].replace(", ", " with ") for record in made)
        lines.append(f"- {made[0]['engine']}: {students}: `{command}`")
    tools = sorted({f"{record['compiler']}; {record['emulator']}" for record in records})
    return "\n".join(lines) + f"\n\nMeasured with {' and '.join(tools)}.\n"


def _kilobytes(count):
    return f"{count / 1024:.1f} KB"


def _share(measured):
    return f"{measured.outside / measured.instructions['mean']:.1%}" if measured.outside else "-"


def _integer(value):
    return "-" if value is None else f"{value:,}"


def _mean(value):
    return "-" if value is None else f"{value:,.0f}"


def _aligned(rows):
    columns = max(map(len, rows))
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(columns)]
    lines = []
    for first, *rest in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:]))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
