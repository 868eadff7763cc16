"""The private names of Keras and TensorFlow that the package leans on: all there, all meaning that.

A test that fails here names what an upgrade took away.
"""

import pathlib
import re

import keras
import numpy as np
import pytest
from keras import ops

import keras_vat
from keras_vat import keras_internals


@pytest.fixture
def model():
    layers = [keras.Input((4,)), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
    model = keras.Sequential([keras.Sequential(layers), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def test_sublayers(model):
    """`Layer._flatten_layers`."""
    names = {type(layer).__name__ for layer in keras_internals.sublayers(model)}
    assert {"Sequential", "BatchNormalization", "Dropout", "Dense"} <= names
    assert model not in keras_internals.sublayers(model, include_self=False)


def test_layers_inside(model):
    """`_flatten_layers`, of one level."""
    outer = keras.Sequential([keras.Input((4,)), model])
    assert model in keras_internals.layers_inside(outer)
    assert model.layers[0] not in keras_internals.layers_inside(outer)


def test_own_state(model):
    """`Layer._non_trainable_variables`."""
    normalization = model.layers[0].layers[0]
    names = [variable.name for variable in keras_internals.own_state(normalization)]
    assert names == ["moving_mean", "moving_variance"]
    assert keras_internals.own_state(model) == []


def test_seed_states(model):
    """`Layer._seed_generators`."""
    (state,) = keras_internals.seed_states(model)
    assert state is model.layers[0].layers[1].seed_generator.state


def test_trainable_flag(model):
    """`Layer._trainable`."""
    assert keras_internals.trainable_flag(model) is True
    model.trainable = False
    assert keras_internals.trainable_flag(model) is False


def test_call_context():
    """`Layer._get_call_context`."""
    seen = []

    class Watching(keras.layers.Layer):
        def call(self, x, training=None):
            seen.append(keras_internals.call_context(self).training)
            return x

    Watching()(np.zeros((1, 2)), training=True)
    assert seen == [True]


def test_raw_value():
    """`Variable._value`."""
    variable = keras.Variable([1.0, 2.0])
    np.testing.assert_array_equal(keras_internals.raw_value(variable), [1.0, 2.0])
    if keras.backend.backend() == "jax":
        keras_internals.set_raw_value(variable, ops.zeros(2))
        np.testing.assert_array_equal(variable, [0.0, 0.0])


def test_leave_logits():
    """`_keras_logits`, which Keras's losses look for."""
    logits = ops.convert_to_tensor([[1.0, 2.0]])
    outputs = keras.activations.softmax(logits)
    assert outputs._keras_logits is logits
    keras_internals.leave_logits(outputs, 2 * logits)
    np.testing.assert_array_equal(outputs._keras_logits, [[2.0, 4.0]])


@pytest.mark.backend("jax")
def test_leave_logits_on_traced_values():
    """They carry no attributes: nothing is left, and nothing raised."""
    import jax

    def left(outputs):
        keras_internals.leave_logits(outputs, outputs)
        assert not hasattr(outputs, "_keras_logits")
        return outputs

    jax.jit(left)(ops.ones(2))


def test_masks():
    """`backend.get_keras_mask`, `set_keras_mask`."""
    masked = keras.layers.Masking()(np.array([[[1.0], [0.0]]]))
    mask = keras_internals.mask_of(masked)
    np.testing.assert_array_equal(mask, [[True, False]])
    other = keras_internals.with_mask(ops.zeros((1, 2, 1)), mask)
    assert keras_internals.mask_of(other) is mask
    assert keras_internals.mask_of(keras_internals.with_mask(ops.zeros((1, 2, 1)), None)) is None


def test_global_seed_generator():
    """`random.seed_generator.global_seed_generator`, from which `keras.random` draws."""
    keras_internals.make_global_seed_generator()
    with keras.StatelessScope():  # a variable could not be made here
        keras.random.normal((2,))


def test_as_default():
    """`Layer.build._is_default`: a call then runs the layer on symbols first."""
    order = []

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        @keras_internals.as_default
        def build(self, shape):
            order.append(("build", self.dense.built))

        def call(self, x):
            return self.dense(x)

    Model()(np.zeros((1, 2)))
    assert order == [("build", True)]


def test_functions_of_calls():
    """`Layer.__call__`, `backend.nn.softmax` and `sigmoid` are what layers call."""
    (layer, call), (softmaxes, softmax), (_, sigmoid) = keras_internals.functions_of_calls()
    assert (layer, call, softmax, sigmoid) == (keras.layers.Layer, "__call__", "softmax", "sigmoid")
    np.testing.assert_allclose(getattr(softmaxes, softmax)(ops.zeros((1, 2)), axis=-1), 0.5)


def test_operation_of(model):
    """`KerasTensor._keras_history`."""
    assert keras_internals.operation_of(model.layers[-1].output) is model.layers[-1]


def test_outer_scope():
    """`StatelessScope.original_scope`."""
    with keras.StatelessScope() as outer, keras.StatelessScope() as inner:
        assert keras_internals.outer_scope(inner) is outer
    assert keras_internals.outer_scope(outer) is None


def test_loss_tracker(model):
    """`Trainer._loss_tracker`."""
    assert keras_internals.loss_tracker(model).name == "loss"


def test_make_variables():
    """`Trainer._symbolic_build`."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("adam", "mse", metrics=["mae"])
    keras_internals.make_variables(model, (np.zeros((2, 4)), np.zeros((2, 3)), None))
    assert model.optimizer.built
    assert len(model.optimizer.variables) == 2 + 2 * 2  # steps, learning rate, Adam's moments
    assert len(model.metrics_variables) == 2 * 2  # of the loss and the metric: total and count


def test_clear_losses():
    """`Layer._clear_losses`."""
    layer = keras.layers.ActivityRegularization(l2=1.0)
    layer(np.ones((1, 2)))
    assert layer.losses
    keras_internals.clear_losses(layer)
    assert not layer.losses


@pytest.mark.backend("tensorflow")
def test_initial_epoch(model):
    """`Trainer._initial_epoch`."""
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: keras_internals.set_initial_epoch(model, 2),
        on_epoch_begin=lambda epoch, logs: seen.append(epoch),
    )
    model.fit(np.zeros((2, 4)), np.zeros(2), epochs=3, verbose=0, callbacks=[watch])
    assert seen == [2]
    assert keras_internals.initial_epoch(model) == 2


@pytest.mark.parametrize("amsgrad", [False, True])
def test_moments_of(amsgrad):
    """`Optimizer._get_variable_index`, `Adam._momentums`, `_velocities`, `_velocity_hats`."""
    variables = [keras.Variable([1.0, 2.0]), keras.Variable(3.0)]
    optimizer = keras.optimizers.Adam(0.1, amsgrad=amsgrad)
    optimizer.build(variables)
    optimizer.apply([ops.ones(2), ops.ones(())], variables)
    momentum, velocity, largest = keras_internals.moments_of(optimizer, variables[0])
    np.testing.assert_allclose(momentum, [0.1, 0.1], rtol=1e-6)
    np.testing.assert_allclose(velocity, [0.001, 0.001], rtol=1e-6)
    assert (largest is not None) == amsgrad


def test_strategies(tf):
    """`Trainer._distribute_strategy`, `_in_multi_worker_mode`, `_get_iterator`, `_value_specs`."""
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        model.compile("sgd", "mse")
    assert keras_internals.strategy_of(model) is strategy
    workers = tf.distribute.MultiWorkerMirroredStrategy()
    assert keras_internals.in_several_processes(workers) is False
    seen = []

    class Watching(keras.Sequential):
        def _maybe_symbolic_build(self, iterator=None, data_batch=None):
            seen.append(keras_internals.batch_spec(iterator))
            super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)

    watching = Watching([keras.Input((4,)), keras.layers.Dense(3)])
    watching.compile("sgd", "mse")
    watching.fit(np.zeros((4, 4)), np.zeros((4, 3)), batch_size=2, verbose=0)
    x, y = seen[0][:2]
    assert (x.shape[1], y.shape[1]) == (4, 3)


def test_replicas_share_their_batches(tf):
    """`PerReplicaSpec._value_specs`."""
    parts = [tf.config.LogicalDeviceConfiguration()] * 2
    if len(tf.config.list_logical_devices("CPU")) < 2:
        try:
            tf.config.set_logical_device_configuration(
                tf.config.list_physical_devices("CPU")[0], parts
            )
        except RuntimeError:
            pytest.skip("TensorFlow has begun with one device")
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    data = strategy.experimental_distribute_dataset(
        tf.data.Dataset.from_tensor_slices(np.zeros((4, 3), "float32")).batch(4)
    )

    class Iterator:
        def _get_iterator(self):
            return data

    assert keras_internals.batch_spec(Iterator()).shape.as_list() == [None, 3]


def test_the_state_of_a_jax_step_comes_in_this_order():
    """What the trainer on JAX hands to `train_step`."""
    if keras.backend.backend() != "jax":
        pytest.skip("is about JAX")
    seen = []

    class Watching(keras.Sequential):
        def train_step(self, state, data):
            seen.append([len(part) for part in state])
            return super().train_step(state, data)

    layers = [keras.layers.BatchNormalization(), keras.layers.Dense(3, use_bias=False)]
    model = Watching([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(np.zeros((2, 4)), np.zeros((2, 3)), verbose=0)
    trainable, non_trainable, optimizer, metrics = seen[0]
    assert (trainable, non_trainable) == (3, 2)
    assert optimizer == len(model.optimizer.variables)
    assert metrics == len(model.metrics_variables)


def test_methods_that_are_overridden_are_there():
    """`_maybe_symbolic_build`, `_get_metrics_result_or_logs`, `_trackable_children`."""
    with pytest.raises(AttributeError, match="needs `_gone` of keras.* a private name"):
        keras_internals.overrides(keras.Model, "_gone")(type("Own", (), {}))


def test_a_name_that_is_gone_is_said():
    with pytest.raises(AttributeError, match="needs `_flatten_layers` of builtins.int"):
        keras_internals.sublayers(3)


def test_private_names_stand_in_one_file():
    """All that `keras_internals.py` asks for is read there alone; overridden methods apart."""
    package = pathlib.Path(keras_vat.__file__).parent
    asked = re.findall(r'"(_[a-z_]+)"', (package / "keras_internals.py").read_text())
    read = re.compile(rf"(?<!super\(\))\.({'|'.join(asked)})\b|keras\.src|tensorflow\.python")
    found = [
        f"{path.name}: {line.strip()}"
        for path in package.rglob("*.py")
        if path.name != "keras_internals.py"
        for line in path.read_text().splitlines()
        if read.search(line)
    ]
    assert len(asked) > 15
    assert found == []


def test_own_names_and_noise():
    """`global_state`: Keras's automatic names and its global noise, of this thread."""
    keras.utils.set_random_seed(5)
    expected = [float(keras.random.uniform(())) for _ in "12"]
    keras.utils.set_random_seed(5)
    found = [float(keras.random.uniform(()))]
    before = keras.layers.Dense(1).name
    inside = []
    for _ in "12":
        with keras_internals.own_names_and_noise(7):
            inside.append((keras.layers.Dense(1).name, float(keras.random.uniform(()))))
    assert inside[0] == inside[1] and inside[0][0] == "dense"
    found.append(float(keras.random.uniform(())))
    assert found == expected
    assert keras.layers.Dense(1).name not in (before, "dense")
