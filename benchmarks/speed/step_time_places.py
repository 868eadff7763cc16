"""Seconds of a VAT step at a place inside a net, beside the bound of what lies behind the place.

A step at a place should cost what plain training of the whole net costs, and five passes of the
part behind the place: two that look for r, three for the penalty and its gradient. The part in
front runs once for a batch. Four steps take turns within one process: plain training and VAT, of
the whole net and of its part behind the place alone, cut off by hand and fed with the place's
outputs. Where what is in front is trained, too, the part begins with a trained shift of its inputs:
the way back to them is one of the passes that are counted.

    bound     = plain step of the whole net + 5 / 3 of a plain step of the part alone
    hand-made = plain step of the whole net + (VAT - plain) of the part alone

    python -m benchmarks.speed.step_time_places                   # four minutes on two cores
    python -m benchmarks.speed.step_time_places --backends tensorflow jax
"""

import argparse
import time

import keras
import numpy as np
from keras import layers, ops

import keras_vat
from benchmarks import report
from benchmarks.speed.processes import arguments_of, measure_apart
from benchmarks.speed.step_time import compiled_step

STEPS, TOKENS = 100, 20_000


class Shift(layers.Layer):
    """A trained shift of the inputs, for which a step must go back to them."""

    def build(self, input_shape):
        self.shift = self.add_weight(shape=input_shape[1:], initializer="zeros")

    def call(self, x):
        return x + self.shift


def text():
    """An embedding, an LSTM and a dense layer; the place is the embedding."""
    return of_tokens(layers.LSTM(128))


def text_convolution():
    """The same with a convolution and a maximum over its steps."""
    return of_tokens(layers.Conv1D(256, 5, activation="relu"), layers.GlobalMaxPooling1D())


def of_tokens(*behind):
    embedding = layers.Embedding(TOKENS, 64, name="place")
    behind = [*behind, layers.Dense(10)]
    tokens = np.random.default_rng(0).integers(0, TOKENS, (64, STEPS))
    whole = keras.Sequential([keras.Input((STEPS,), dtype="int32"), embedding, *behind])
    part = keras.Sequential([keras.Input((STEPS, 64)), Shift(), *behind])
    return whole, part, tokens, embedding(tokens)


def backbone():
    """VAT's conv-small, its first two blocks frozen; the place is the pooling that ends them."""
    net = keras_vat.classifiers.conv_small("cifar10")
    pools = [i for i, layer in enumerate(net.layers) if isinstance(layer, layers.MaxPooling2D)]
    front, behind = net.layers[1 : pools[1] + 1], net.layers[pools[1] + 1 :]
    for layer in front:
        layer.trainable = False
    images = np.random.default_rng(0).uniform(size=(32, 32, 32, 3)).astype("float32")
    outputs = keras.Sequential([keras.Input((32, 32, 3)), *front])(images)
    part = keras.Sequential([keras.Input(outputs.shape[1:]), *behind])
    return net, part, images, outputs


NETS = {
    "text, LSTM": (text, 3),
    "text, convolution": (text_convolution, 3),
    "backbone": (backbone, 1),
}


def place_of(net, whole):
    """The name of the layer whose outputs are perturbed."""
    if net.startswith("text"):
        return "place"
    return [layer for layer in whole.layers if isinstance(layer, layers.MaxPooling2D)][1].name


def measure(net, repeats):
    """Seconds of the four steps."""
    keras.utils.set_random_seed(0)
    build, calls = NETS[net]
    whole, part, x, outputs = build()
    y = ops.convert_to_tensor(np.arange(len(x)) % 10)
    vat = keras_vat.regularizers.VirtualAdversarialTraining
    steps = {}
    for name, classifier, data, place in (
        ("whole", whole, ops.convert_to_tensor(x), place_of(net, whole)),
        ("part", part, outputs, None),
    ):
        for method in ("plain", "vat"):
            copied = keras.models.clone_model(classifier)
            model = copied
            if method == "vat":
                model = keras_vat.VATModel(copied, vat(1.0, perturb_at=place))
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(keras.optimizers.SGD(1e-4), loss, jit_compile=False)
            model.optimizer.build(model.trainable_variables)
            steps[f"{method} {name}"] = compiled_step(model, (data, y), jit_compile=False)
    times = {name: [] for name in steps}
    for repeat in range(repeats + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(calls):
                step()
            if repeat:  # the first round warms up
                times[name].append((time.perf_counter() - start) / calls)
    return times


def row_of(net, backend, times):
    times = {name: np.array(values) for name, values in times.items()}
    bound = times["plain whole"] + 5 / 3 * times["plain part"]
    by_hand = times["plain whole"] + times["vat part"] - times["plain part"]
    spread = report.quartiles(times["vat whole"] / bound)
    return {
        "net": net,
        "backend": report.BACKENDS[backend],
        **{f"{name}, ms": 1e3 * float(np.median(values)) for name, values in times.items()},
        "vat / bound": spread["median"],
        "quartiles": [round(q, 3) for q in spread["quartiles"]],
        "vat / hand-made": float(np.median(times["vat whole"] / by_hand)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument(
        "--backends", nargs="+", choices=report.BACKENDS, default=[keras.backend.backend()]
    )
    parser.add_argument("--repeats", type=int, default=15, help="timed repeats of each step")
    arguments = arguments_of(parser, measure)
    rows = [
        row_of(
            net,
            backend,
            measure_apart(backend, [net, arguments.repeats]),
        )
        for net in arguments.nets
        for backend in arguments.backends
    ]
    print(report.table(rows))
    report.save("step_time_places", rows, arguments.backends, repeats=arguments.repeats)


if __name__ == "__main__":
    main()
