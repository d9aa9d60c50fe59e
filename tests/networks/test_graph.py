"""The graph teacher: how a skeleton's tree becomes matrices, and what joints can know of each other."""

import keras
import numpy as np
import pytest

from tfkd.data import berkeley_mhad, keypoints, openpack_facts, utd_mhad
from tfkd.networks.graph import GraphConvolution, graph_teacher, partitions

CHAIN = ((1, 0), (1, 2), (2, 3))  # 0 - 1 - 2 - 3, with the root at 1


def filled(model, seed=0):
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        kernel = weight.name == "kernel"
        weight.assign(rng.normal(0, 0.3, weight.shape) if kernel else rng.uniform(0.5, 1.5, weight.shape))
    return model


def skeletons(shape, rows=4):
    return np.random.default_rng(1).normal(size=(rows, *shape)).astype("float32")


# ---- The graph ----


def test_partitions_of_a_chain():
    """Degrees with the joint itself are 2, 3, 3, 2."""
    s, t = 6**-0.5, 1 / 3
    np.testing.assert_allclose(
        partitions(CHAIN, 4),
        [
            [[1 / 2, 0, 0, 0], [0, t, 0, 0], [0, 0, t, 0], [0, 0, 0, 1 / 2]],
            [[0, s, 0, 0], [0, 0, 0, 0], [0, t, 0, 0], [0, 0, s, 0]],  # the neighbour nearer joint 1
            [[0, 0, 0, 0], [s, 0, t, 0], [0, 0, 0, s], [0, 0, 0, 0]],
        ],
        rtol=1e-6,
    )


SKELETONS = {
    "utd": (utd_mhad.BONES, len(utd_mhad.JOINTS)),
    "berkeley": (berkeley_mhad.BONES, len(berkeley_mhad.JOINTS)),
    "coco": (keypoints.BONES, len(keypoints.JOINTS)),
    "azure": (openpack_facts.AZURE_KINECT_BONES, len(openpack_facts.AZURE_KINECT)),
}


@pytest.mark.parametrize("bones, joints", SKELETONS.values(), ids=SKELETONS)
def test_the_skeleton_of_every_data_set_is_one_tree(bones, joints):
    itself, centripetal, centrifugal = partitions(bones, joints)
    np.testing.assert_array_equal(centripetal, centrifugal.T)
    assert np.count_nonzero(centripetal) == joints - 1 and np.count_nonzero(itself) == joints
    # With normalised edges the root of the degrees is the eigenvector of eigenvalue 1.
    adjacency = np.sign(itself + centripetal + centrifugal)
    root = adjacency.sum(axis=1) ** 0.5
    np.testing.assert_allclose((itself + centripetal + centrifugal) @ root, root, rtol=1e-5)


@pytest.mark.parametrize(
    "bones, message",
    [
        (((0, 1), (1, 2)), "Joint 3 has no bone"),
        ((), "Joint 0 has no bone"),
        (((0, 1), (2, 3)), "No bones lead from joint 0 to joint 2"),
        (((0, 1), (2, 3), (3, 2)), "No bones lead from joint 0 to joint 2"),
        (((0, 1), (0, 2), (1, 2), (2, 3)), "Joint 2 is the far end of 2 bones"),
        (((0, 1), (1, 2), (2, 3), (3, 0)), "in a circle"),
        (((0, 1), (1, 2), (2, 4)), r"bone \(2, 4\)"),
    ],
)
def test_what_is_no_tree_is_refused(bones, message):
    with pytest.raises(ValueError, match=message):
        graph_teacher((16, 4, 3), bones, 5)


# ---- The layer ----


def test_each_group_has_weights_of_its_own():
    layer = GraphConvolution(2, CHAIN)
    x = skeletons((3, 4, 2))
    layer.build(x.shape)
    filled(layer)
    importance, kernel = (weight.numpy() for weight in (layer.importance, layer.kernel))
    expected = np.einsum("kvw,btwc,kcd->btvd", importance * partitions(CHAIN, 4), x, kernel.reshape(3, 2, 2))
    np.testing.assert_allclose(np.asarray(layer(x)), expected, rtol=1e-5, atol=1e-6)


def test_one_convolution_reaches_one_bone_far():
    layer = GraphConvolution(5, CHAIN)
    x = skeletons((3, 4, 2))
    other = x.copy()
    other[:, :, 3] += 1
    changed = np.abs(np.asarray(layer(other)) - np.asarray(layer(x))).max(axis=(0, 1, 3))
    assert (changed[:2] == 0).all() and (changed[2:] > 0.01).all()


def test_the_layer_keeps_its_graph_when_saved():
    again = GraphConvolution.from_config(GraphConvolution(5, CHAIN).get_config())
    assert again.channels == 5 and again.bones == [list(bone) for bone in CHAIN]
    np.testing.assert_array_equal(GraphConvolution(5, CHAIN).compute_output_shape((None, 3, 4, 2)), (None, 3, 4, 5))


# ---- The network ----


def test_places_in_a_plane_do_as_well(tmp_path):
    model = filled(graph_teacher((16, 4, 2), CHAIN, 5, width=8))
    x = skeletons((16, 4, 2))
    logits = np.asarray(model(x))
    assert logits.shape == (4, 5) and np.ptp(logits, axis=0).min() > 0
    model.save(tmp_path / "graph.keras")
    again = keras.models.load_model(tmp_path / "graph.keras", safe_mode=True)
    np.testing.assert_array_equal(again(x), logits)


def test_the_order_of_joints_does_not_matter():
    """With joints renumbered in data, bones and the weights that belong to joints, the logits are the same."""
    order = np.array([2, 0, 3, 1])  # the new joint i is the old joint order[i]
    place = np.argsort(order)
    model = filled(graph_teacher((16, 4, 3), CHAIN, 5, width=8))
    renumbered = graph_teacher((16, 4, 3), [(place[a], place[b]) for a, b in CHAIN], 5, width=8)
    for weight, source in zip(renumbered.weights, model.weights):
        values = source.numpy()
        if weight.name == "importance":
            values = values[:, order][:, :, order]
        elif "coordinates_bn" in weight.path:
            values = values.reshape(4, 3)[order].ravel()
        weight.assign(values)
    x = skeletons((16, 4, 3))
    np.testing.assert_allclose(renumbered(x[:, :, order]), model(x), rtol=1e-4, atol=1e-4)


def test_it_is_a_tenth_of_st_gcn():
    assert 250_000 < graph_teacher((64, 20, 3), utd_mhad.BONES, 10).count_params() < 350_000
