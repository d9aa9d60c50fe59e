"""What every network is asked."""

import keras


def assert_learns(model, x, y, epochs=30):
    """Some steps on one batch halve the loss."""
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
    # TensorFlow traces a step twice if the first creates variables, and Adam's are many.
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    history = model.fit(x, y, batch_size=len(y), epochs=epochs, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
