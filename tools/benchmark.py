"""Speed, as ratios measured side by side in one run.

    python tools/benchmark.py

Each pair is timed in turn, A B A B ..., and the median of the paired ratios is printed with its quartiles:
single times say little on a shared machine. Nothing here fails because a machine is slow.
"""

import functools
import os
import time

from absl import app, flags
from quiet import without_start_up_messages

FLAGS = flags.FLAGS
flags.DEFINE_integer("rounds", 15, "How often each pair is timed.", lower_bound=3)
flags.DEFINE_integer("batch", 64, "Windows a batch.", lower_bound=2)

CLASSES = 27


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    with without_start_up_messages():
        import keras
    keras.utils.set_random_seed(0)
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before; {FLAGS.rounds} rounds, batch {FLAGS.batch}\n")
    for benchmark in (training_steps, angle_loss, images, image_step, pipeline):
        benchmark()


def compare(title, ours, other, wanted=""):
    """Times both in turn and prints the ratio of the other's time to ours."""
    import numpy as np

    for run in (ours, other):  # tracing and warm-up
        run()
        run()
    times = np.array([[_seconds(ours), _seconds(other)] for _ in range(FLAGS.rounds)])
    low, middle, high = np.quantile(times[:, 1] / times[:, 0], [0.25, 0.5, 0.75])
    ours_ms, other_ms = 1000 * np.median(times, axis=0)
    print(
        f"{title:<66} {middle:5.2f} ({low:.2f} to {high:.2f}); {ours_ms:.2f} ms, {other_ms:.2f} ms {wanted}"
    )


def _seconds(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def training_steps():
    """One training step: Keras' own Distiller, and the plain student, against ours."""
    import keras
    import numpy as np

    from tfkd.distillers import Distiller, FeatureDistillation
    from tfkd.losses import DistanceWise, SoftTargets
    from tfkd.networks import fused_teacher, imu_student

    rng = np.random.default_rng(0)
    n = FLAGS.batch
    imu = rng.normal(size=(n, 128, 6)).astype("float32")
    skeleton = rng.normal(size=(n, 64, 20, 3)).astype("float32")
    y = np.eye(CLASSES, dtype="float32")[rng.integers(CLASSES, size=n)]
    labels = keras.losses.CategoricalCrossentropy(from_logits=True)

    def compiled(model):
        model.compile(keras.optimizers.AdamW(1e-3), labels, jit_compile=False)
        return model

    def step(model, x):
        # Tensors, so that what is timed is the step and not the hand-over of numpy arrays.
        import tensorflow as tf

        x, target = tf.nest.map_structure(tf.constant, (x, y))
        return lambda: model.train_on_batch(x, target)

    def student():
        return imu_student((128, 6), CLASSES, kernel=15, input_name="imu")

    def terms():
        return [SoftTargets(2.0), FeatureDistillation(DistanceWise())]

    teacher = fused_teacher((64, 20, 3), (128, 6), CLASSES, width=48)
    width = teacher.get_layer("embedding").output.shape[-1]
    stored = {
        "imu": imu,
        "teacher_logits": rng.normal(size=(n, CLASSES)).astype("float32"),
        "teacher_embedding": rng.normal(size=(n, width)).astype("float32"),
    }
    plain = step(compiled(student()), imu)
    cached = step(compiled(Distiller(None, student(), terms())), stored)
    live = step(compiled(Distiller(teacher, student(), terms())), {"imu": imu, "skeleton": skeleton})
    compare("step, stored teacher outputs, in plain student steps", plain, cached, "(at most 1.25)")
    compare("step, live teacher (skeleton + IMU), in plain student steps", plain, live)

    # Keras' Distiller takes teachers with the student's inputs only: an IMU teacher, of two sizes.
    for width in (96, 192):
        same_input = _imu_teacher(width)
        size = f"teacher of {same_input.count_params() / 1e6:.1f} M"
        stock = compiled(
            keras.distillation.Distiller(
                same_input,
                student(),
                [
                    keras.distillation.LogitsDistillation(2.0, loss=keras.losses.KLDivergence()),
                    keras.distillation.FeatureDistillation(DistanceWise(), "embedding", "embedding"),
                ],
            )
        )
        ours = compiled(Distiller(same_input, student(), terms()))
        theirs = step(stock, imu)
        compare(f"Keras' Distiller, {size}, in ours with stored outputs", cached, theirs, "(at least 3)")
        compare(f"Keras' Distiller, {size}, in ours with the same live teacher", step(ours, imu), theirs)


def _imu_teacher(width):
    import keras

    from tfkd.networks.skeleton import temporal_features

    inputs = keras.Input((128, 6), name="imu")
    x = keras.layers.Identity(name="embedding")(temporal_features(inputs, width, "imu", first_stride=1))
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="logits")(x), name="imu_teacher")


def angle_loss():
    """The angle-wise loss, forward and backward, against the table of differences."""
    import numpy as np
    import tensorflow as tf

    from tfkd.losses import angle_wise

    def by_differences(teacher, student):
        def cosines(x):
            unit = tf.math.l2_normalize(x[None] - x[:, None], axis=-1)
            return tf.matmul(unit, unit, transpose_b=True)

        difference = tf.abs(cosines(student) - cosines(teacher))
        return tf.reduce_mean(tf.where(difference <= 1, 0.5 * difference**2, difference - 0.5), axis=(1, 2))

    rng = np.random.default_rng(0)
    teacher, student = (tf.constant(rng.normal(size=(128, 512)), tf.float32) for _ in range(2))

    def gradient(loss):
        @tf.function
        def run():
            with tf.GradientTape() as tape:
                tape.watch(student)
                value = tf.reduce_mean(loss(teacher, student))
            return value, tape.gradient(value, student)

        return lambda: run()[1].numpy()

    compare(
        "angle loss by differences, N = 128, D = 512, in ours",
        gradient(angle_wise),
        gradient(by_differences),
        "(at least 5)",
    )


def images(windows=1000, time=128, channels=6, size=64):
    """Gramian angular fields: the layer, compiled as Keras' fit and predict do it, against pyts and against writing
    as many values."""
    import numpy as np
    import tensorflow as tf
    from pyts.image import GramianAngularField as Theirs

    from tfkd.encodings import GramianAngularField

    x = np.random.default_rng(0).normal(size=(windows, time, channels)).astype("float32")
    rows = x.transpose(0, 2, 1).reshape(-1, time).astype("float64")
    tensor, one, shape = tf.constant(x), tf.constant(1.0), (windows, size, size, channels)
    writing = {
        "TensorFlow's": functools.partial(tf.function(lambda value: tf.fill(shape, value)), one),
        "NumPy's": functools.partial(np.full, shape, np.float32(1)),
    }
    print(f"Gramian angular fields of {windows} windows x {channels} x {time}, {size} x {size}:")
    for kind, method in (("gasf", "summation"), ("gadf", "difference")):
        ours = functools.partial(tf.function(GramianAngularField(size, kind), jit_compile=True), tensor)
        theirs = functools.partial(Theirs(size, method=method).transform, rows)
        compare(f"pyts, in our {kind}", ours, theirs, "(at least 6)")
        for name, write in writing.items():
            compare(f"our {kind}, in {name} writing of as many values", write, ours, "(at most 1.5)")


def image_step(batch=16, size=64):
    """A training step of ResNet-18 that makes its images itself, in steps that are given them."""
    import keras
    import numpy as np
    import tensorflow as tf

    from tfkd.encodings import Gaf, GramianAngularField
    from tfkd.networks import resnet18

    x = np.random.default_rng(0).normal(size=(batch, 128, 6)).astype("float32")
    y = tf.constant(np.arange(batch) % CLASSES)
    steps = []
    for inputs, encoding in ((Gaf("gasf", size)(x), None), (x, GramianAngularField(size))):
        model = resnet18(inputs.shape[1:], CLASSES, encoding)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
        given = tf.constant(inputs)
        steps.append(lambda model=model, given=given: model.train_on_batch(given, y))
    compare(f"ResNet-18 step of {batch} with GAF inside, in steps given images", *steps, "(at most 1.10)")


def pipeline():
    """Microseconds to gather a window of IMU and skeleton, plain and with everything switched on."""
    import numpy as np

    from tfkd.data import Augmentation, Batches, Normalisation, Windows

    rng = np.random.default_rng(0)
    n = 2048
    arrays = {
        "imu": rng.normal(size=(n, 128, 6)).astype("float32"),
        "skeleton": rng.normal(size=(n, 64, 20, 3)).astype("float32"),
    }
    names = np.array([f"w{i}" for i in range(n)])
    zeros = np.zeros(n, int)
    windows = Windows(arrays, zeros, zeros, names, zeros, tuple("ab"))
    full = Augmentation(0.05, 0.1, 15, 0.05, 0.1, 0.2, 10, 0.4)
    for title, normalisation, augmentation in (
        ("gathered", None, None),
        ("gathered and normalised", Normalisation.fit(windows), None),
        ("gathered, normalised, augmented and mixed", Normalisation.fit(windows), full),
    ):
        batches = Batches(
            windows,
            ["imu", "skeleton"],
            FLAGS.batch,
            normalisation,
            augmentation,
            shuffle=True,
            with_ids=True,
        )
        times = []
        for _ in range(FLAGS.rounds):
            started = time.perf_counter()
            for i in range(batches.num_batches):
                batches[i]
            times.append((time.perf_counter() - started) / (batches.num_batches * FLAGS.batch))
        print(f"{'a window ' + title:<66} {1e6 * np.median(times):5.1f} us")


if __name__ == "__main__":
    app.run(main)
