"""Which of a classifier's outputs the methods look at, and what of the labels belongs to it."""

import keras
from keras import tree

from keras_vat.forward.labels import only_one


class PenalizedOutput:
    """One output of several: by its name, by its number, or because it is the only one.

    Args:
        given: The name or the number of the output, as they are listed where it is refused; `None`:
            the only one.
        classifier: The Keras model; one that is functional names the outputs in a list.

    Raises:
        TypeError: If `given` is neither.
        ValueError: When the outputs are seen: if it is none of them, or `None` of several.
    """

    def __init__(self, given, classifier):
        if isinstance(given, bool) or not (given is None or isinstance(given, (str, int))):
            raise TypeError(
                "`penalized_output` must be the name or the number of an output, or None. "
                f"Received: penalized_output={given!r}"
            )
        self._given = given
        self._classifier = classifier
        self._path = self._name = self._number = None

    def check(self):
        """Raises where the classifier declares its outputs, and not the one that is meant."""
        declared = getattr(self._classifier, "outputs", None)
        if declared and not isinstance(self._classifier, keras.Sequential):
            self.of(self._classifier.output)

    def of(self, outputs):
        """The output itself, of all that the classifier returned."""
        if self._path is None:
            self._find(outputs)
        return at_path(outputs, self._path)

    def is_said_to_be(self, output, outputs):
        """Whether a tensor is the output that was named."""
        return self._given is not None and self.of(outputs) is output

    def each(self, outputs):
        """Pairs of each output's name and one of these for it."""
        paths = [path for path, _ in tree.flatten_with_path(outputs)]
        return [(name, PenalizedOutput(name, self._classifier)) for name in self._names_of(paths)]

    def part(self, structure):
        """What belongs to this output: of labels, sample weights, losses or their weights.

        Args:
            structure: A dictionary by the outputs' names, a list in their order, or one for all;
                what is missing in it is `None`.
        """
        if not self._path:
            return only_one(structure)
        if isinstance(structure, dict):
            key = self._path[0] if self._path[0] in structure else self._name
            found = structure.get(key)
        elif isinstance(structure, (list, tuple)):
            found = structure[self._number] if self._number < len(structure) else None
        else:
            return structure
        rest = self._path[1:]
        return at_path(found, rest) if rest and tree.is_nested(found) else only_one(found)

    def _find(self, outputs):
        pairs = tree.flatten_with_path(outputs)
        names = self._names_of([path for path, _ in pairs])
        number = 0
        if self._given in names:
            number = names.index(self._given)
        elif isinstance(self._given, int) and -len(pairs) <= self._given < len(pairs):
            number = self._given % len(pairs)
        elif self._given is not None or len(pairs) > 1:
            raise ValueError(
                "`penalized_output` must be the name or the number of one output of the "
                "classifier, that of the classes; all outputs train by their compiled losses. "
                f"Received: penalized_output={self._given!r} for the outputs {names}"
            )
        self._path, self._name = tuple(pairs[number][0]), names[number]
        keys = list(dict.fromkeys(path[0] for path, _ in pairs if path))
        self._number = keys.index(self._path[0]) if self._path else None

    def _names_of(self, paths):
        """A name for each output: its key, or what a functional model calls it, or its number."""
        declared = getattr(self._classifier, "output_names", None)
        keyed = [_has_key(path) for path in paths]
        if declared and len(declared) == len(paths) and not any(keyed):
            return list(declared)
        return [
            "/".join(map(str, path)) if has_key else number
            for number, (path, has_key) in enumerate(zip(paths, keyed, strict=True))
        ]


def at_path(structure, path):
    """What is found in a structure by a sequence of keys."""
    for key in path:
        structure = structure[key]
    return structure


def _has_key(path):
    return any(isinstance(key, str) for key in path)
