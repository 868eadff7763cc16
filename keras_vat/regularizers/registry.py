"""Regularizers by their registered names."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import keras

Class = TypeVar("Class", bound=type)

REGULARIZERS = {}


def register(name: str, package: str = "Custom") -> Callable[[Class], Class]:
    """Class decorator: makes a regularizer known to `get` and to Keras's saving.

    Args:
        name: The name for `get`, and the default name in the logs.
        package: Prefix of the class in saved files, as in
            `keras.saving.register_keras_serializable`.

    Raises:
        ValueError: if another class has the name.

    Example: see `Regularizer`.
    """

    def add(cls):
        known = REGULARIZERS.get(name, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(
                f"`name` is taken: '{name}' is {known.__module__}.{known.__qualname__}. "
                f"Received: name={name!r} for {cls.__module__}.{cls.__qualname__}"
            )
        cls.registered_name = name
        REGULARIZERS[name] = cls
        return keras.saving.register_keras_serializable(package=package)(cls)

    return add


def get(*identifier: Any, **arguments: Any) -> Any:
    """`get(name, **arguments)`: make a regularizer by its registered name.

    Args:
        name: `"at"`, `"rpt"`, `"vat"`, `"entropy"`, ..., as in the README's table of methods.
        **arguments: Passed to the class, `name="..."` (its name in the logs) among them.

    Returns:
        A `Regularizer`.

    Raises:
        TypeError: if there is more than one argument without a name, or one is missing.
        ValueError: if there is no regularizer of that name.

    Example:

    >>> keras_vat.regularizers.get("vat", epsilon=2.0)
    """
    if len(identifier) > 1:
        raise TypeError(
            "`name` must be the only argument without a name; give the class's own by keyword, as "
            f"get('vat', epsilon=2.0). Received: {', '.join(map(repr, identifier))}"
        )
    # The registered name alone may also be given by keyword.
    (name,) = identifier or (arguments.pop("name", None),)
    if name not in list(REGULARIZERS):
        raise ValueError(f"`name` must be one of {sorted(REGULARIZERS)}. Received: name={name!r}")
    cls = REGULARIZERS[name]
    missing = missing_arguments(cls, arguments)
    if missing:
        needed = " and ".join(f"`{argument}`" for argument in missing)
        given = ", ".join(f"{argument}=..." for argument in missing)
        raise TypeError(
            f"{needed} must be given to '{name}': keras_vat.regularizers.get({name!r}, {given}) or "
            f"keras_vat.regularizers.{cls.__name__}({given}). Received: name={name!r}"
        )
    return cls(**arguments)


def missing_arguments(make: Callable[..., Any], given: Any) -> list[str]:
    """The names of the arguments that what makes a regularizer needs and is not given."""
    return [
        parameter.name
        for parameter in inspect.signature(make).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        and parameter.name not in given
    ]
