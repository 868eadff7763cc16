"""Files that appear as a whole or not at all."""

import contextlib
import os

_ENDINGS = (".keras", ".weights.h5")


class WholeFiles:
    """Mix-in of Keras models: whatever stops a `save`, the file before it is still there.

    Keras writes over the old file from its beginning, so that a run that is killed while it saves
    would lose both. Local files are written under a hidden name beside it and renamed; folders,
    shards and remote files are written as Keras does it.
    """

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """As `keras.Model.save`; a file appears as a whole or not at all."""
        with whole_file(filepath, overwrite) as partial:
            return super().save(partial, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath, overwrite=True, max_shard_size=None):
        """As `keras.Model.save_weights`; a file appears as a whole or not at all."""
        whole = overwrite and max_shard_size is None
        with whole_file(filepath, whole) as partial:
            return super().save_weights(partial, overwrite, max_shard_size)


@contextlib.contextmanager
def whole_file(path, overwrite):
    """A name to write under, which becomes `path` when all is written.

    It is `path` itself for what Keras refuses, asks about (`overwrite=False`) or sends elsewhere.
    """
    local = isinstance(path, (str, os.PathLike)) and "://" not in str(path)
    folder, name = os.path.split(os.fspath(path)) if local else ("", "")
    there = local and os.path.isdir(folder or ".")
    if not overwrite or not there or not name.endswith(_ENDINGS):
        yield path
        return
    partial = os.path.join(folder, f".{os.getpid()}-{name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(partial)
