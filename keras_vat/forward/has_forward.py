"""What tells models that say how their classifier is run from others."""


class HasForward:
    """Base class of models that say themselves how their classifier is run: `VATModel`.

    What else has a method `forward`, as a classifier of yours may, is no such model.
    """

    def forward(self, training=False):
        """The `Forward` of one step."""
        raise NotImplementedError
