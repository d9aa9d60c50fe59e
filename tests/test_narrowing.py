"""A run whose distilled student loses channels, one size after the other."""

import dataclasses
import json
import types

import keras
import numpy as np
import pytest

from tfkd import narrowing
from tfkd.compress import Channels, weight_importance
from tfkd.deploy import load_export
from tfkd.deploy.graph import kernel_types
from tfkd.evaluation import Predictions
from tfkd.experiment import Experiment, export_keras
from tfkd.networks import imu_student
from tfkd.recipe import ChannelPruning, Recipe, RecipeError, parse_recipe
from tfkd.seed_run import stages_of

from .conftest import leave_unchecked, leave_undrawn
from .formats import utd
from .report.invented import Reader

RECIPE = {
    "data": {"dataset": "utd"},
    "windows": {"length": 32, "skeleton_length": 16},
    "teacher": {"kind": "skeleton", "width": 8},
    "teacher_training": {"epochs": 1, "batch_size": 16},
    "student": {"width": 24, "depth": 1},
    "student_training": {"epochs": 1, "batch_size": 16},
    "ablation": {"control": False},
    "channels": {"weight_kb": [2, 1.25], "epochs": 1, "from_scratch": True},
    "pruning": {"sparsity": 0.0},
    "quantization": {"percentile": 99.9, "aware_epochs": 1, "weight_bits": 4},
}


@pytest.fixture(scope="module")
def finished(quick, tmp_path_factory):
    tree = utd.build(tmp_path_factory.mktemp("data") / "utd", subjects=2)
    folder = tmp_path_factory.mktemp("runs") / "narrowed"
    with pytest.MonkeyPatch.context() as patch:
        leave_unchecked(patch)
        leave_undrawn(patch)
        Experiment(parse_recipe(RECIPE), folder, str(tree), say=lambda line: None, show_epochs=False).run(1)
    return folder


def test_every_size_is_trained_exported_and_told(finished):
    stages = stages_of(parse_recipe(RECIPE))
    assert stages[3:7] == ["narrowed_2k", "narrowed_1.25k", "small_2k", "small_1.25k"]
    assert stages[7:] == ["aware_2k", "aware", "int8_2k", "int8"]
    results = json.loads((finished / "results.json").read_text())
    found = results["stages"]
    assert list(found) == stages
    for size, export in ((2, "export_2k"), (1.25, "export")):
        narrowed = keras.models.load_model(finished / "seed0" / f"narrowed_{size}k.keras", compile=False)
        small = keras.models.load_model(finished / "seed0" / f"small_{size}k.keras", compile=False)
        channels = Channels(narrowed)
        bytes_left = channels.weight_bytes()
        assert 0.7 * 1024 * size < bytes_left <= 1024 * size
        assert found[f"narrowed_{size}k"]["weight_bytes"] == found[f"small_{size}k"]["weight_bytes"] == bytes_left
        widths = {name: len(units) for name, units in channels.groups.items()}
        assert found[f"narrowed_{size}k"]["channels"] == widths
        assert [w.shape for w in narrowed.weights] == [w.shape for w in small.weights]
        assert not np.array_equal(narrowed.get_layer("stem_conv").kernel, small.get_layer("stem_conv").kernel)
        exported = load_export(finished / "seed0" / export)
        assert exported.macs == found["int8" if export == "export" else f"int8_{size}k"]["macs"]
        assert kernel_types(exported.model_bytes)["CONV_2D"] == {"int4"}
    assert found["int8"]["model_bytes"] < found["int8_2k"]["model_bytes"]
    compared = {"narrowed_2k_vs_distilled", "narrowed_2k_vs_small_2k", "aware_2k_vs_narrowed_2k", "int8_2k_vs_aware_2k"}
    compared |= {"narrowed_1.25k_vs_distilled", "narrowed_1.25k_vs_small_1.25k", "aware_vs_narrowed_1.25k"}
    compared |= {"int8_vs_aware"}
    assert set(results["comparisons"]) == compared | {"distilled_vs_labels", "int8_vs_labels"}
    # The student that was trained as int8 computes is converted with its own ranges: int8 decides as it does.
    aware, int8 = (Predictions.load(finished / "seed0" / f"{stage}.npz").logits for stage in ("aware", "int8"))
    step = load_export(finished / "seed0" / "export").contract.output_scale
    assert np.abs(aware - int8).max() < 2.5 * step < 0.2 * np.ptp(aware)
    page = Reader((finished / "report.html").read_text())
    assert "4 bits each in convolutions" in page.text
    assert page.row("Fewer channels, 1.25\u00a0KB of weights")
    assert "With 2 KB of weights instead of all channels" in page.text


def test_what_can_be_exported_later_are_the_float_students(finished, tmp_path):
    with pytest.raises(RecipeError, match="is not a student") as refused:
        export_keras(finished / "seed0" / "teacher.keras", tmp_path / "export")
    assert "narrowed_2k.keras" in str(refused.value) and "int8" not in str(refused.value)


@pytest.mark.parametrize(
    "channels, told",
    [
        ({"weight_kb": [4, 8]}, r"channels.weight_kb is \(4.0, 8.0\), but must be of sizes above 0, each smaller"),
        ({"weight_kb": [0]}, "channels.weight_kb"),
        ({"weight_kb": [4], "importance": "luck"}, "'luck', but must be gradient or weights or activations"),
        ({"weight_kb": [4], "multiple": 0}, "channels.multiple is 0, but must be at least 1"),
        ({"flash_kb": 24}, "channels.flash_kb is 24.0, but must be 0 where channels.weight_kb names no size to begin"),
    ],
)
def test_impossible_sizes_are_refused(channels, told):
    with pytest.raises(RecipeError, match=told):
        parse_recipe({"channels": channels})


def test_channels_leave_until_a_budget_is_met_and_no_longer(monkeypatch):
    def cost(student, budget, weight_bits):
        assert weight_bits == 8
        return types.SimpleNamespace(flash_bytes=student.count_params(), ram_bytes=0, instructions=0)

    monkeypatch.setattr(narrowing, "int8_cost", cost)
    channels = Channels(imu_student((32, 6), 5, width=24, depth=1))
    scores = weight_importance(channels)
    order, _ = channels.leaving_order(scores, multiple=2)

    def steps_with(**limits):
        recipe = Recipe(channels=ChannelPruning(weight_kb=(1.7,), multiple=2, **limits))
        budget = narrowing.budget_of(recipe.channels)
        removed = narrowing._within(budget, channels, scores, recipe, lambda student: student)
        np.testing.assert_array_equal(removed, order[: len(removed) // 2].ravel())
        return len(removed) // 2

    without_limit = len(channels.least_important(scores, int(1.7 * 1024), multiple=2)) // 2
    assert 0 < without_limit == steps_with(flash_kb=1024)
    for more in (1, 3, len(order) - without_limit):
        steps = without_limit + more
        limit = channels.without(order[:steps].ravel()).count_params()
        assert steps_with(flash_kb=limit / 1024) == steps


@pytest.mark.parametrize(
    "settings, told",
    [
        ({"weight_kb": (0.1,)}, r"channels.weight_kb is \(0.1,\): .* cannot be pruned to 102 bytes of weights"),
        ({"weight_kb": (1.0,), "flash_kb": 1.0}, r"less than can be had: .* takes flash \S+ KB of 1.0 KB. Allow more"),
    ],
)
def test_sizes_out_of_reach_are_refused_before_anything_is_trained(settings, told):
    recipe = dataclasses.replace(parse_recipe(RECIPE), channels=ChannelPruning(**settings))
    student = imu_student((32, 6), 5, width=24, depth=1)
    with pytest.raises(RecipeError, match=told):
        narrowing.check_reachable(recipe, student, lambda student: student)


def test_zeros_and_training_as_int8_do_not_go_together():
    with pytest.raises(RecipeError, match="aware_epochs is 3, but must be 0 where pruning.sparsity is above 0"):
        parse_recipe({"quantization": {"aware_epochs": 3}})
    parse_recipe({"quantization": {"aware_epochs": 3}, "pruning": {"sparsity": 0}})
