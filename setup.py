"""The package's metadata; `pyproject.toml` holds the tools' settings."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.+)"$',
    (ROOT / "keras_vat" / "version.py").read_text(encoding="utf-8"),
    re.MULTILINE,
).group(1)
README = ROOT / "README.md"

DATA = ["tensorflow-datasets>=4.9"]
PROBABILITY = ["tensorflow-probability>=0.25", "tf-keras>=2.18"]
PLOT = ["matplotlib>=3.9"]
SERVING = ["tensorflow-serving-api>=2.18"]
JAX = ["jax>=0.10"]
SKLEARN = ["scikit-learn>=1.6"]
DOCS = [
    "sphinx>=8",
    "myst-parser>=4",
    "pydata-sphinx-theme>=0.16",
    "sphinx-gallery>=0.18",
    "sphinx-copybutton>=0.5",
]
EXAMPLES = [*DATA, *PLOT, *SKLEARN]
PYTEST = ["hypothesis>=6.100", "pytest>=8.0", "pytest-xdist>=3.6", "ruff>=0.9"]
TEST = [*EXAMPLES, *PROBABILITY, *SERVING, *PYTEST, "pandas>=2.0"]

setup(
    name="keras-vat",
    version=VERSION,
    description="Virtual adversarial training and its relatives for Keras 3",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    author="The keras_vat authors",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10",
    packages=find_packages(include=["keras_vat", "keras_vat.*"]),
    package_data={"keras_vat": ["py.typed"]},
    # The folder itself on the path, which editors and type checkers see; an import hook they don't.
    options={"editable_wheel": {"mode": "compat"}},
    install_requires=["tensorflow>=2.18", "keras>=3.15", "numpy>=1.26"],
    extras_require={
        "data": DATA,
        "probability": PROBABILITY,
        "plot": PLOT,
        "serving": SERVING,
        "jax": JAX,
        "sklearn": SKLEARN,
        "examples": EXAMPLES,
        "docs": [*EXAMPLES, *DOCS],
        "test": TEST,
        "all": [*TEST, *JAX, *DOCS],
    },
    keywords=[
        "keras",
        "tensorflow",
        "virtual adversarial training",
        "semi-supervised learning",
        "adversarial training",
        "regularization",
    ],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
