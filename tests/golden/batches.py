"""The kinds of batches that the fixture `batched` makes."""

import pytest

with_iterators = pytest.mark.parametrize(
    "batched", ["dataset", "py_dataset", "iterator"], indirect=True
)
