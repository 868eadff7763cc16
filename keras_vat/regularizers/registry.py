"""Regularizers by their registered names."""

REGULARIZERS = {}


def register(name):
    """Class decorator: makes a regularizer known to `get` under a name, its default name too."""

    def add(cls):
        cls.registered_name = name
        REGULARIZERS[name] = cls
        return cls

    return add


def get(*identifier, **arguments):
    """`get(name, **arguments)`: make a regularizer by its registered name.

    Args:
        name: `"at"`, `"rpt"`, `"vat"`, `"entropy"`, ..., as in the README's table of methods.
        **arguments: Passed to the class, `name="..."` (its name in the logs) among them.

    Returns:
        A `Regularizer`.

    Raises:
        ValueError: if there is no regularizer of that name.

    Example:

    >>> keras_vat.regularizers.get("vat", epsilon=2.0)
    """
    # The registered name alone may also be given by keyword.
    (name,) = identifier or (arguments.pop("name", None),)
    if name not in list(REGULARIZERS):
        raise ValueError(f"`name` must be one of {sorted(REGULARIZERS)}. Received: name={name!r}")
    return REGULARIZERS[name](**arguments)
