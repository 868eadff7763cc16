"""Methods that take what the method of `keras.Model` takes, and show it to editors."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


def as_in_keras(method: Method) -> Callable[[Callable[..., Any]], Method]:
    """Method decorator: the arguments are those of a method of `keras.Model`.

    The method itself gets all of them by keyword, but those that were left out.

    Args:
        method: The method of `keras.Model`, which is overridden.
    """
    signature = inspect.signature(method)

    def decorate(own):
        @functools.wraps(own)
        def call(self, *args, **kwargs):
            given = signature.bind(self, *args, **kwargs).arguments
            others = given.pop("kwargs", {})  # in evaluate and export
            given.pop("self")
            return own(self, **given, **others)

        call.__signature__ = signature
        return call

    return decorate
