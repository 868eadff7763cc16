"""A black border for images whose sizes the levels don't divide."""

from keras import ops


class ImagePadding:
    """Border on all sides that makes height and width multiples of a number.

    Args:
        image_shape: `(height, width, channels)`.
        multiple: Integer of at least 1.
    """

    def __init__(self, image_shape, multiple):
        self._sizes = image_shape[:2]
        missing = [-size % multiple for size in self._sizes]
        self._before = [count // 2 for count in missing]
        self._after = [count - before for count, before in zip(missing, self._before, strict=True)]
        self.padded_shape = (
            *(size + more for size, more in zip(self._sizes, missing, strict=True)),
            image_shape[2],
        )
        rows, columns, channels = self.padded_shape
        self.size = (rows * columns - image_shape[0] * image_shape[1]) * channels

    def add(self, x):
        """Images in [0, 1] with the border, which is 0."""
        if not self.size:
            return x
        (top, left), (bottom, right) = self._before, self._after
        return ops.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))

    def remove(self, x):
        """The images without the border."""
        (top, left), (height, width) = self._before, self._sizes
        return x[:, top : top + height, left : left + width, :]
