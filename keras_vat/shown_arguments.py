"""How methods and perturbations are printed: by what they were made with."""

import inspect

import numpy as np


class ShownArguments:
    """Mix-in of Keras layers: `repr` is the call that made one, without what is at its default.

    It is made of `get_config`, in the order of the constructor's arguments.
    """

    always_shown = ()
    """Names of arguments that are shown at their default, too."""

    def __repr__(self):
        try:
            config = self.get_config()
        except Exception:  # of an object that no file can hold; printing must go on
            return super().__repr__()
        if self.name == getattr(self, "registered_name", self.name):
            config.pop("name")
        shown = [
            f"{name}={_brief(config[name])}"
            for name, default in _defaults(type(self)).items()
            if name in config and (name in self.always_shown or not _is_same(config[name], default))
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def _defaults(cls):
    """The constructor's arguments with their defaults, those that go on to a base class last."""
    defaults = {}
    for base in cls.__mro__:
        if "__init__" in vars(base) and issubclass(base, ShownArguments):
            for parameter in inspect.signature(base.__init__).parameters.values():
                defaults.setdefault(parameter.name, parameter.default)
    return defaults


def _is_same(value, default):
    if isinstance(default, tuple) and isinstance(value, (list, tuple)):
        return list(value) == list(default)
    return type(value) is type(default) and value == default


def _brief(value):
    """A value in a few words: an array by its shape, an object of a config by its class."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"<array {value.shape}>"
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str):
            kind, config = value["class_name"], value.get("config")
            return str(config) if kind == "function" else f"<{kind}>"
        return f"{{{', '.join(f'{name!r}: {_brief(part)}' for name, part in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_brief, value))}]"
    return repr(value)
