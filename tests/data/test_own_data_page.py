"""What tfkd/data/README.md shows is what works."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import tfkd.data.synthetic
from tests.formats import own
from tfkd import quantizing
from tfkd.data import folder_settings
from tfkd.data.folder import protocols, read_folder
from tfkd.data.folder_intervals import read_intervals
from tfkd.experiment import Experiment
from tfkd.prepared import prepare, student_channels
from tfkd.recipe import parse_recipe
from tfkd.seed_run import SeedRun

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "tfkd" / "data" / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The folder that the page's script writes, of one repetition; with the page's dataset.toml."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        read = tfkd.data.synthetic.read_synthetic
        few = read(subjects=4, trials=1).where(lambda r: r.label < 3)
        patch.setattr(tfkd.data.synthetic, "read_synthetic", lambda subjects, trials: few)
        (script,) = [block for block in blocks("python") if "def write(" in block]
        exec(script.replace('"punch"', '"wave_two_hands"'), {})
    (folder / "my_data" / "dataset.toml").write_text(blocks("toml")[0])
    return folder / "my_data"


def test_the_files_look_as_shown(example):
    rows, imu, skeleton, _ = blocks("csv")
    assert rows.splitlines()[:2] == (example / "recordings.csv").read_text().splitlines()[:2]
    for shown, kind in ((imu, "imu"), (skeleton, "skeleton")):
        lines = (example / kind / "anna_wave_1.csv").read_text().splitlines()
        for line, written in zip(shown.splitlines(), lines, strict=False):
            assert written.startswith(line.removesuffix(",..."))


def test_the_recipe_takes_the_folder_to_windows(example):
    recipe = parse_recipe(tomllib.loads(blocks("toml")[1]))
    recordings = read_folder(example, recipe.modalities, use_cache=False)
    assert recordings.name == "waving" and len(recordings) == 12 and list(protocols(recordings)) == ["cross_subject"]
    found = prepare(recipe, recordings)
    assert set(found.train.subjects) == {1, 3} and set(found.judged.subjects) == {2, 4} and found.side == "test"
    assert found.train.arrays["imu"].shape[1:] == (100, 6)
    assert len(student_channels(recipe, recordings.streams["imu"])) == 6
    batch = {m: values[:4] for m, values in found.train.arrays.items()}
    recipe.augmentation(batch, np.ones(6, "float32"), np.random.default_rng(0), found.train.bones)


def test_other_settings_go_to_another_folder():
    shown = re.findall(r"`(--set [^`]+)`", PAGE)
    assert shown and all(" --out runs/" in settings for settings in shown)


def test_every_key_of_dataset_toml_is_shown_and_can_be_read(tmp_path):
    path = tmp_path / "dataset.toml"
    path.write_text(blocks("toml")[2])
    settings = folder_settings.load_settings(path)
    for part in (settings, settings.imu, settings.skeleton, settings.protocols["later_session"]):
        usual = type(part)(**({"train": (), "test": ()} if type(part) is folder_settings.Protocol else {}))
        for key, value in vars(part).items():
            assert value != getattr(usual, key), f"{key} is not shown, or with its usual value"


def test_the_intervals_are_read_as_shown(tmp_path):
    path = tmp_path / "shift.csv"
    path.write_text(blocks("csv")[3])
    assert [(span.begin, span.end, span.label, span.part) for span in read_intervals(path)] == [
        (1000, 1012.5, "reach", 1), (1012.5, 1020, "lift", 1), (1031, 1040, "reach", 2),
    ]  # fmt: skip


def test_the_example_of_the_tests_is_of_that_layout(tmp_path):
    shown = {path.split("/")[0] for path in re.findall(r"^  ([\w./]+) ", blocks("")[0], re.MULTILINE)}
    assert {path.name for path in own.build(tmp_path / "own").iterdir()} == shown | {"intervals"}


def test_the_contract_names_the_data(example, tmp_path):
    recipe = parse_recipe(tomllib.loads(blocks("toml")[1]))
    run = SeedRun(Experiment(recipe, tmp_path, example, say=lambda line: None), seed=0)
    assert quantizing.contract_facts(run)["dataset"] == "waving"
