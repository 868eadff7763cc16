"""Whether the settings in a file are those that this version of the package knows."""

import contextlib

from keras_vat.version import __version__


@contextlib.contextmanager
def unknown_settings_explained(owner, version):
    """Says of a constructor's "unexpected keyword argument" where it comes from."""
    try:
        yield
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise ValueError(_message(owner, version, error)) from error


def check_settings(owner, known, saved, version="unknown"):
    """Raises unless a file has exactly the settings that this version of the package knows.

    A default in the place of a missing one could be another than the one that the run had. So a
    setting whose meaning changes gets another name.

    Args:
        owner: Name of the class, for the message.
        known: Names of the settings.
        saved: Those in the file.
        version: The version of the package that wrote it.
    """
    missing, unknown = sorted(set(known) - set(saved)), sorted(set(saved) - set(known))
    if missing or unknown:
        raise ValueError(_message(owner, version, f"missing {missing}, unknown {unknown}"))


def _message(owner, version, received):
    return (
        f"The file's settings of {owner} are not those of this version of keras_vat, "
        f"{__version__}: it was written by version {version}. Load it with that one, and save the "
        "weights alone (`save_weights`), which do not depend on settings. "
        f"Received: {received}"
    )
