"""What all perturbations have in common: size, seed, mask, range, and the call."""

import numbers
import weakref
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vat import arguments, autodiff
from keras_vat.autodiff.replica_seed_generator import ReplicaSeedGenerator
from keras_vat.forward import Forward, norms
from keras_vat.forward.compiled_run import CompiledRun
from keras_vat.forward.perturbable import Perturbable, as_tensors
from keras_vat.perturbations.coordinates import Coordinates
from keras_vat.shown_arguments import ShownArguments


class Perturbation(ShownArguments, keras.layers.Layer):
    """Base class: `perturbation(classifier, x, y=None)` -> r.

    A call returns r, not x + r, for the batch as a whole (memory grows with it); `perturb` returns
    the perturbed inputs. A plain Keras model is taken at inference.

    A subclass implements `direction`. This class scales it to `epsilon`, keeps it to the mask and
    the range, and owns what a schedule moves or a checkpoint must hold: `epsilon` and the seed.

    Args:
        epsilon: Size of the perturbation, a number above 0, in the units of the inputs: the norm
            of r for each example, over all floating inputs together.
        seed: Integer, or `None`: drawn from Keras's global seed.
        mask: Array that broadcasts against one example, or a structure of them like `x`: r is
            zero where the mask is, and its norm is still epsilon. `None`: everything moves. A mask
            that is zero everywhere is refused.
        clip: `(low, high)`: perturbed inputs stay in this range (r may then be shorter than
            epsilon). `None`: no limit.
        joint_norm: With several floating inputs, `True`: the norm over all of them together is
            epsilon; `False`: each one's norm is.
        scale: Array that broadcasts against one example, or a structure of them like `x` (with
            `perturb_at`, a list in the order of the places): the unit of each coordinate, at least
            0. r = epsilon * scale * u with ||u||_2 = 1, and u is what is searched for: `x.std(0)`
            makes epsilon a number of standard deviations. Entries of 0 don't move. `None`: 1.
        perturb_at: Where r is added. `None`: at the floating inputs. The name of a layer, the end
            of its path (`"encoder/token_embedding"`) or the layer itself (its path is kept), or a
            list of these: to what the layer returns, in whose units epsilon then is. Inputs may
            then be integers or strings. The norm is taken over all calls and places together.
            Where the output has a mask, r is zero on padded steps.
    """

    requires_labels = False
    """Whether it is defined by the labels `y`."""

    _told_by_config = False  # whether one of this class itself computes as others of its config

    def __init__(
        self,
        epsilon: float,
        seed: int | None = None,
        mask: Any = None,
        clip: tuple[float, float] | None = None,
        joint_norm: bool = True,
        name: str | None = None,
        perturb_at: Any = None,
        scale: Any = None,
    ):
        super().__init__(name=name, dtype="float32", autocast=False, trainable=False)
        self._coordinates = Coordinates(mask, scale)
        self._config = {
            "epsilon": arguments.positive("epsilon", epsilon),
            "seed": arguments.seed(seed),
            "mask": self._coordinates.mask,
            "clip": check_range(clip),
            "joint_norm": arguments.boolean("joint_norm", joint_norm),
        }
        self.places = names_of_places(perturb_at)
        self._epsilon = self.add_weight(
            name="epsilon",
            shape=(),
            initializer=keras.initializers.Constant(epsilon),
            trainable=False,
        )
        self.seed_generator = ReplicaSeedGenerator(self._config["seed"])
        self.built = True

    @property
    def epsilon(self) -> Any:
        """The size, a variable: assign it, or set it to a number, and a compiled fit follows."""
        return self._epsilon

    @epsilon.setter
    def epsilon(self, value):
        self._epsilon.assign(arguments.non_negative("epsilon", value))

    @property
    def joint_norm(self):
        """Whether one norm is taken over all floating inputs."""
        return self._config["joint_norm"]

    @property
    def clip(self):
        """The range that perturbed inputs stay in, or `None`."""
        return self._config.get("clip")

    @property
    def is_in_units_of_inputs(self):
        """Whether epsilon is a distance between inputs as they are given."""
        return not self.places and self._coordinates.scale is None

    @property
    def _kind(self):
        """What computes alike has the same, hashable: all but the numbers of the variables."""
        if not vars(type(self)).get("_told_by_config"):
            return weakref.ref(self)
        config = {**self._config, "places": self.places, "scale": self._coordinates.scale}
        others = {name: value for name, value in config.items() if name not in ("epsilon", "seed")}
        return type(self), _hashable(others)

    def compiled(self, function, classifier, **options):
        """`function(classifier, perturbation, x, y, **options)` as a compiled function of x and y.

        It looks at each batch beforehand, see `check_inputs`.
        """
        run = CompiledRun(function, classifier, self, kinds=[self._kind], **options)

        def checked(x, y):
            self.check_inputs(x)
            return run(x, y)

        return checked

    def check_inputs(self, x):
        """Raises for a batch that it can't work with; outside of compiled functions."""

    def enter(self, forward, x):
        """The `Forward` and the batch that r moves: the inputs, or what some layers return."""
        return forward.at(self.places, x) if self.places else (forward, x)

    def __call__(self, classifier: Any, x: Any, y: Any = None) -> Any:
        """The perturbation for a batch.

        Args:
            classifier: A built Keras model, taken at inference; or a `VATModel`; or a `Forward`.
            x: Inputs, `(batch, ...)`, or a structure of them.
            y: Labels, for perturbations that need them.

        Returns:
            r, shaped like `x` (zero for inputs that are not floating); with `perturb_at`, like what
            the layer returns; a list in the order of the places, and of their calls, where there
            are several.
        """
        forward, x = Forward.of(classifier), as_tensors(x)
        y = forward.labels(x, y)
        forward, x = self.enter(forward, x)
        r = self.find(forward, x, y)
        if self.places:
            return r[0] if len(r) == 1 else r
        return Perturbable(x).put(r, others=ops.zeros_like)

    def perturb(self, classifier: Any, x: Any, y: Any = None) -> Any:
        """The perturbed inputs `x + r`, shaped like `x`.

        Raises:
            ValueError: With `perturb_at`: there are no perturbed inputs then.
        """
        if self.places:
            raise ValueError(
                "`perturb` has no inputs to return where r is added to what a layer returns: take "
                "`outputs(classifier, x, y)`, the classifier's outputs at the perturbed point. "
                f"Received: perturb_at={self.places}"
            )
        forward, x = Forward.of(classifier), as_tensors(x)
        return Perturbable(x).shift(self.find(forward, x, forward.labels(x, y)))

    def outputs(self, classifier: Any, x: Any, y: Any = None) -> Any:
        """The classifier's outputs at the perturbed point, with a place or without."""
        forward, x = Forward.of(classifier), as_tensors(x)
        forward, moved = self.moved(forward, x, forward.labels(x, y))
        return forward.outputs(moved)

    def moved(self, forward, x, y=None):
        """The view that r enters and the perturbed batch there: the inputs, or the places'."""
        forward, x = self.enter(forward, x)
        return forward, Perturbable(x).shift(self.find(forward, x, y))

    def find(self, forward, x, y=None):
        """r as a list of tensors, one for each floating input; no gradient flows through it."""
        perturbable = Perturbable(x)
        perturbable.check()
        forward.check_inputs(x)  # a random direction needs no pass, which would do it
        return self.limit(perturbable, self.step(x, self.direction(forward, x, y), self._epsilon))

    def step(self, x, direction, length):
        """From a direction u to a step between inputs, length * scale * u: a list of tensors."""
        steps = self._coordinates.scaled(x, direction)
        return [part * ops.cast(length, part.dtype) for part in steps]

    def lengthened(self, x, r, length):
        """r made a step of another length in the same direction, kept to the range."""
        unit = norms.unit(self._coordinates.unscaled(x, r), self.joint_norm)
        return self.limit(Perturbable(x), self.step(x, unit, length))

    def check_labels(self, y):
        """Raises where labels are needed and missing."""
        if self.requires_labels and y is None:
            raise ValueError(
                f"`y` is needed: {type(self).__name__} is defined by the labels (use the virtual "
                "adversarial perturbation where there are none). Received: y=None"
            )

    def target(self, clean):
        """The logits that r moves the output away from, of a clean pass: a constant."""
        return clean.target

    def direction(self, forward, x, y):
        """The direction u of norm 1: a list of tensors, one for each floating input."""
        raise NotImplementedError

    def limit(self, perturbable, r):
        """Keeps `x + r` in the range and cuts the gradient."""
        clip = self._config["clip"]
        if clip is not None:
            r = [
                ops.clip(part + step, *clip) - part
                for part, step in zip(perturbable.parts, r, strict=True)
            ]
        return [ops.stop_gradient(step) for step in r]

    def random_direction(self, forward, x):
        """Unit vectors drawn uniformly from the sphere (of the unmasked coordinates)."""
        return self.unit(
            forward,
            x,
            [
                ops.cast(autodiff.normal(ops.shape(part), self.seed_generator), part.dtype)
                for part in Perturbable(x).parts
            ],
        )

    def unit(self, forward, x, parts, fallback=None):
        """Masked and scaled to norm 1 for each example."""
        return norms.unit(self.masked(forward, x, parts), self.joint_norm, fallback)

    def ascent(self, forward, x, gradient, fallback=None):
        """The direction u of norm 1 in which a function with this gradient by x grows most."""
        return self.unit(forward, x, self._coordinates.scaled(x, gradient), fallback)

    def masked(self, forward, x, parts):
        """The parts where mask and scale allow and x is no padding, zero elsewhere."""
        return self._coordinates.allowed(x, forward.counted(x, parts))

    def get_config(self):
        config = {"name": self.name, **self._config}
        if self.places:
            config["perturb_at"] = self.places
        if self._coordinates.scale is not None:
            config["scale"] = self._coordinates.scale
        return config

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))


def _hashable(value):
    if isinstance(value, dict):
        return tuple((key, _hashable(value[key])) for key in sorted(value))
    if isinstance(value, (list, tuple)):
        return tuple(map(_hashable, value))
    if hasattr(value, "__array__"):
        value = np.asarray(value)
        return value.shape, str(value.dtype), value.tobytes()
    return value


def names_of_places(perturb_at):
    """Names or paths of layers, a list; empty for `None`."""
    if perturb_at is None:
        return []
    several = isinstance(perturb_at, (list, tuple)) and len(perturb_at) > 0
    places = list(perturb_at) if several else [perturb_at]
    names = [
        (place.path or place.name) if isinstance(place, keras.layers.Layer) else place
        for place in places
    ]
    if not all(isinstance(name, str) and name for name in names):
        raise TypeError(
            "`perturb_at` must be the name of a layer, the end of its path or the layer itself, or "
            f"a list of these. Received: perturb_at={perturb_at!r}"
        )
    return list(dict.fromkeys(names))


def check_range(clip):
    """Raises unless `clip` is `None` or a pair of ascending numbers; returns a list or `None`."""
    if clip is None:
        return None
    pair = list(clip) if isinstance(clip, (tuple, list)) and len(clip) == 2 else [None]
    if not all(isinstance(end, numbers.Real) for end in pair) or not pair[0] < pair[1]:
        raise ValueError(f"`clip` must be (low, high) with low < high. Received: clip={clip!r}")
    return [float(end) for end in pair]
