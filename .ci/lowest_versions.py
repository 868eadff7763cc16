"""Prints pip constraints that pin each requirement of a wheel to the lowest version it allows.

Usage: python .ci/lowest_versions.py dist/keras_vat-0.1.0-py3-none-any.whl > lowest.txt
"""

import email
import re
import sys
import zipfile


def lowest_versions(wheel):
    """One line `name==version` for each requirement, those of the extras included."""
    with zipfile.ZipFile(wheel) as files:
        (path,) = (name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(files.read(path))
    pins = {}
    for requirement in metadata.get_all("Requires-Dist"):
        found = re.match(r"([\w.-]+)>=([\w.]+)", requirement)
        if found is None:
            raise ValueError(
                f"every requirement must name a lowest version. Received: {requirement}"
            )
        pins[found[1]] = found[2]
    return [f"{name}=={version}" for name, version in sorted(pins.items())]


if __name__ == "__main__":
    print(*lowest_versions(sys.argv[1]), sep="\n")
