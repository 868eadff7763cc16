"""The step compiles by XLA at fixed shapes into operations that every accelerator has.

No TPU is needed to see it: kernels that XLA compiles for CPUs and GPUs alike are those of all its
devices, unless the compiled program calls out of XLA. Such calls, and dynamic sizes, are looked
for in the program.
"""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

import keras_vat
from keras_vat import regularizers

pytestmark = pytest.mark.slow  # all methods in one step, compiled twice

CALLS_OUT = {"custom-call", "infeed", "outfeed", "send", "recv"}
ARGUMENTS = {"Placeholder", "PlaceholderWithDefault"}  # of the traced function itself
METHODS = {
    "at": {"epsilon": 1.0},
    "rpt": {"epsilon": 1.0},
    "vat": {"epsilon": 1.0},
    "entropy": {},
    "vmt": {},
    "fat": {"epsilon": 1.0, "radius": 1.0},
}


class AsksTheHost(regularizers.Regularizer):
    """What must not be: NumPy in the middle of a step."""

    registered_name = "asks_the_host"

    def per_example(self, forward, x, y):
        return tf.ensure_shape(tf.numpy_function(lambda a: a[:, 0], [x[:, 0]], tf.float32), (4,))


class CountsTraces(regularizers.Regularizer):
    registered_name = "counts_traces"
    traces = 0

    def per_example(self, forward, x, y):
        self.traces += 1
        return keras.ops.ones_like(x[:, 0, 0, 0])


@pytest.fixture(scope="module")
def compiled_by_xla():
    """Names of the operations that XLA compiles wherever it runs."""
    tf.function(lambda x: x + x, jit_compile=True)(tf.ones(()))  # its kernels are registered late
    by_device = {"XLA_CPU_JIT": set(), "XLA_GPU_JIT": set()}
    for kernel in kernels.get_all_registered_kernels().kernel:
        if kernel.device_type in by_device:
            by_device[kernel.device_type].add(kernel.op)
    operations = set.intersection(*by_device.values())
    assert {"MatMul", "Conv2D", "StatelessRandomNormalV2"} < operations
    assert "EagerPyFunc" not in operations
    return operations


def make_model(methods):
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((4, 4, 1)),
        keras.layers.Conv2D(4, 3),
        keras.layers.BatchNormalization(),
        keras.layers.LeakyReLU(),
        keras.layers.Dropout(0.2),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3),
    ]
    model = keras_vat.VATModel(keras.Sequential(layers), methods)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], jit_compile=True)
    return model


@pytest.fixture
def batch():
    """Four labelled and eight unlabelled images in [0, 1]."""
    rng = np.random.default_rng(0)
    x, more = (tf.constant(rng.uniform(size=(n, 4, 4, 1)).astype("float32")) for n in (4, 8))
    return keras_vat.SemiSupervisedInputs(x, more), tf.constant([0, 1, 2, 0])


def operations(graph):
    """Names of the operations of a graph and of all the functions in it."""
    functions = [function.node_def for function in graph.library.function]
    return {node.op for nodes in (graph.node, *functions) for node in nodes}


def test_a_step_has_only_operations_of_every_accelerator(batch, compiled_by_xla):
    """All methods in one step, which shares what they share."""
    vae = keras_vat.generators.VAE((4, 4, 1), latent_dim=4, widths=(4, 6))
    vae.decode(vae.encode(batch[0].labeled))
    methods = {**METHODS, "lvat": {"epsilon": 1.0, "generator": vae}}
    model = make_model([regularizers.get(name, **settings) for name, settings in methods.items()])
    model._maybe_symbolic_build(data_batch=(*batch, None))  # as `fit` does
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")  # the branch that replicas take

    step = tf.function(lambda data: strategy.run(model.train_step, args=(data,)), jit_compile=True)
    graph = step.get_concrete_function(batch).graph.as_graph_def()
    assert operations(graph) - compiled_by_xla - ARGUMENTS == set()
    program = step.experimental_get_compiler_ir(batch)(stage="hlo")
    opcodes = set(re.findall(r"= \S+ ([a-z][a-z0-9-]*)\(", program))
    assert {"dot", "convolution"} <= opcodes  # the expression finds them
    assert not opcodes & CALLS_OUT
    assert "<=" not in program  # a size known only as a bound
    assert np.isfinite(float(step(batch)["loss"]))


def test_a_host_call_would_be_found(batch, compiled_by_xla):
    model = make_model(AsksTheHost())
    x, y = batch[0].labeled, batch[1]
    model._maybe_symbolic_build(data_batch=(x, y, None))
    step = tf.function(model.train_step, autograph=False)
    graph = step.get_concrete_function((x, y)).graph.as_graph_def()
    assert operations(graph) - compiled_by_xla - ARGUMENTS == {"PyFunc"}


def test_full_batches_are_not_traced_again():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4, 4, 1)).astype("float32"), np.arange(30) % 3
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8, drop_remainder=True)
    counter = CountsTraces()
    model = make_model([counter, regularizers.get("vat", epsilon=1.0)])
    traces = []
    for _ in range(3):
        model.fit(data, epochs=1, verbose=0)
        traces.append(counter.traces)
    assert traces == [1, 1, 1]
    spec = keras_vat.data.semi_supervised((x, y), x, 4, 8).element_spec
    assert [part.shape[0] for part in tf.nest.flatten(spec)] == [4, 8, 4]  # static sizes
