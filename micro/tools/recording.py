"""Recordings for the program `activity`: CSV for this machine, records for emulated boards.

    python3 micro/tools/recording.py trial.csv trial.bin --generated micro/generated

turns a CSV file (columns `time_s` and the contract's channels) into the records that the port
`qemu` reads: little-endian, a uint32 of microseconds, which wraps, and a float32 for each channel.
"""

import argparse
import csv
import json
import math
import random
import struct
import sys
from pathlib import Path


def read_contract(generated):
    """The contract that was written beside a student's C files, as a dict."""
    return json.loads((Path(generated) / "contract.json").read_text())


def read_csv(path, channels):
    """The samples of a CSV file, as a list of `(seconds, values)` in the order of `channels`. What is beyond float32 is
    infinite, as for the program `activity` on this machine.

    Raises:
        ValueError: a column is missing or a field is not a number; the message names the file and
            the line.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        missing = {"time_s", *channels} - set(rows.fieldnames or ())
        if missing:
            raise ValueError(f"{path} lacks the columns {sorted(missing)}.")
        try:
            return [(_time(row["time_s"]), [_float32(row[name]) for name in channels]) for row in rows]
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {rows.line_num}: {error}") from None


def _time(text):
    seconds = float(text)
    if not abs(seconds) < 1e12:
        raise ValueError(f"{text} is not a time")
    return seconds


def _float32(text):
    value = float(text)
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def write_csv(path, channels, samples):
    """Writes samples so that their times in microseconds and their float32 values read back exactly."""
    lines = [",".join(["time_s", *channels])]
    lines += [",".join([f"{seconds:.6f}", *(f"{value:.9g}" for value in values)]) for seconds, values in samples]
    Path(path).write_text("\n".join(lines) + "\n")


def write_records(path, samples):
    """Writes samples for the port `qemu`."""
    records = [
        struct.pack(f"<I{len(values)}f", round(seconds * 1e6) & 0xFFFFFFFF, *values) for seconds, values in samples
    ]
    Path(path).write_bytes(b"".join(records))


def invented_samples(contract, count, seed=0):
    """Samples of a swinging arm that nobody swung: sines and noise, of the size of the training data.

    Args:
        contract: as `read_contract` gives it.
        count: how many.
        seed: an integer; the same seed makes the same samples.

    Returns:
        A list of `(seconds, values)`; the values are float32.
    """
    generator = random.Random(seed)
    rate = contract["sample_rate_hz"] or 50.0
    facts = list(zip(contract["mean"], contract["scale"]))
    waves = [(generator.uniform(0.3, 3.0), generator.uniform(0, 2 * math.pi)) for _ in facts]
    samples = []
    for i in range(count):
        turns = 2 * math.pi * i / rate
        values = [
            mean + scale * (1.5 * math.sin(hertz * turns + phase) + generator.gauss(0, 0.3))
            for (mean, scale), (hertz, phase) in zip(facts, waves)
        ]
        samples.append((i / rate, list(struct.unpack(f"{len(values)}f", struct.pack(f"{len(values)}f", *values)))))
    return samples


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("csv", help="the recording")
    parser.add_argument("records", help="the file to write")
    parser.add_argument("--generated", default="micro/generated", help="the exported student's C files")
    options = parser.parse_args()
    try:
        channels = read_contract(options.generated)["channels"]
        write_records(options.records, read_csv(options.csv, channels))
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
