"""What the README and the pages that it leads to show is what works."""

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (".", "micro", "tfkd/comparison", "tfkd/compress", "tfkd/data", "tfkd/methods")
PAGES = {folder: (ROOT / folder / "README.md").read_text() for folder in FOLDERS}


@pytest.fixture
def eagerly():
    """Without graphs, whatever is compiled: for two steps they take longer to make."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def snippets():
    return [snippet for page in PAGES.values() for snippet in re.findall(r"```python\n(.*?)```", page, re.DOTALL)]


def small(name, *inputs, width=8):
    """A network of two layers: larger ones take long to compile, and the snippets treat all of them the same."""
    import keras

    inputs = [keras.Input(shape, name=name) for name, shape in inputs]
    flat = [keras.layers.Flatten()(x) for x in inputs]
    x = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    x = keras.layers.Dense(width, activation="tanh", name="embedding")(x)
    return keras.Model(inputs, keras.layers.Dense(4, name="logits")(x), name=name)


def test_the_distiller_snippet_runs_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (snippet,) = [text for text in snippets() if "tfkd.Distiller(" in text]
    rng = np.random.default_rng(0)
    names = {
        "teacher": small("teacher", ("skeleton", (16, 20, 3)), ("imu", (32, 6)), width=192),
        "student": small("student", ("imu", (32, 6))),
        "skeleton": rng.normal(size=(12, 16, 20, 3)).astype("float32"),
        "imu": rng.normal(size=(12, 32, 6)).astype("float32"),
        "one_hot_labels": np.eye(4, dtype="float32")[rng.integers(4, size=12)],
    }
    exec(snippet.replace("epochs=100", "epochs=1"), names)
    assert (tmp_path / "student.keras").exists()


def test_the_data_snippet_runs_as_written(eagerly):
    (snippet,) = [text for text in snippets() if "data.Batches(" in text]
    names, smaller = {}, {"epochs=80": "epochs=1", "read_synthetic()": "read_synthetic(trials=2)"}
    smaller |= {"classes=len": "width=8, classes=len"}
    for shown, taken in smaller.items():
        assert shown in snippet
        snippet = snippet.replace(shown, taken)
    exec(snippet, names)
    assert set(names["train"].subjects) == {1, 3, 5}
    assert names["teacher"].history.history["loss"][0] > 0


def test_the_pskd_snippet_runs_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (snippet,) = [text for text in snippets() if "methods.pskd(" in text]
    rng = np.random.default_rng(0)
    skeleton = rng.normal(size=(12, 16, 20, 3)).astype("float32")
    recorded = np.array([1, 1, 0] * 4, "float32")
    skeleton[recorded == 0] = np.nan
    names = {
        "imu_teacher": small("i", ("imu", (32, 6))),
        "skeleton_teacher": small("s", ("skeleton", (16, 20, 3))),
        "fused_teacher": small("f", ("skeleton", (16, 20, 3)), ("imu", (32, 6))),
        "student": small("student", ("imu", (32, 6)), width=4),
        "imu": rng.normal(size=(12, 32, 6)).astype("float32"),
        "skeleton": skeleton,
        "recorded": recorded,
        "one_hot_labels": np.eye(4, dtype="float32")[rng.integers(4, size=12)],
    }
    exec(snippet.replace("(40, 80)", "(1, 1)"), names)
    assert all(np.isfinite(v).all() for h in names["history"].values() for v in h.values())
    assert (tmp_path / "runs" / "pskd" / "2_imu_skeleton_fused.json").exists()


def test_the_channels_snippet_runs_as_written():
    import keras

    import tfkd
    from tfkd.networks import imu_student

    (snippet,) = [text for text in snippets() if "compress.Channels(" in text]
    rng = np.random.default_rng(0)
    student = imu_student((32, 6), 4, width=64, depth=3, kernel=15)
    distiller = tfkd.Distiller(imu_student((32, 6), 4, width=8, depth=1), student, tfkd.losses.SoftTargets(2.0))
    distiller.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    batches = [(rng.normal(size=(8, 32, 6)).astype("float32"), np.eye(4, dtype="float32")[rng.integers(4, size=8)])]
    names = {"student": student, "distiller": distiller, "batches": batches}
    exec(snippet, names)
    smaller = tfkd.compress.Channels(names["smaller"])
    assert 15 * 1024 < smaller.weight_bytes() <= 16 * 1024 < names["channels"].weight_bytes()


def test_the_four_bit_snippet_runs_as_written(tmp_path, monkeypatch):
    import tfkd
    from tfkd.networks import imu_student

    monkeypatch.chdir(tmp_path)
    (snippet,) = [text for text in snippets() if "in_four_bits" in text]
    windows = np.random.default_rng(0).normal(size=(8, 16, 3)).astype("float32")
    student = imu_student((16, 3), 4, width=8, depth=1)
    exec(snippet, {"tfkd": tfkd, "Path": Path, "student": student, "windows": windows})
    assert tfkd.deploy.TflmModel((tmp_path / "student.tflite").read_bytes()).predict(windows).shape == (8, 4)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "micro"])  # names files of TFLM too
def test_every_file_and_command_a_page_names_is_there(page):
    paths = re.findall(r"(?<![\w/.])(?:tools|models|tfkd|micro)/[\w./-]*\w", PAGES[page])
    assert paths
    for path in paths:
        assert (ROOT / path).exists() or path == "micro/generated", path  # which `make firmware` makes
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make (\w+)", PAGES[page]):
        assert f"\n{target}:" in makefile, target


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", PAGES[page])
    assert links or page == "tfkd/comparison"  # all of its paths are commands
    for path, section in links:
        target = ROOT / page / path
        assert target.exists(), path
        if section:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert section in [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles], section


def test_the_vskd_snippet_runs_as_written():
    (snippet,) = [text for text in snippets() if "methods.vskd(" in text]
    names = {}
    exec(snippet, names)
    assert names["distiller"].student.output_shape == (None, 27)
    assert len(names["distiller"].distillation_losses) == 4
