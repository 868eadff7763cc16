"""The documentation. With pictures, and without running the examples, in the checkout:

    pip install -e ".[docs]" && python -m sphinx -W docs docs/_build
    python -m sphinx -W -D plot_gallery=0 docs docs/_build

With pictures it takes half an hour on two cores: all examples run, those on MNIST where
TFDS_DATA_DIR is set.
"""

import ast
import inspect
import os
import pathlib
import re
import shutil
import tempfile
import textwrap

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_vat

HERE = pathlib.Path(__file__).parent

project = "keras_vat"
author = "The keras_vat authors"
version = release = keras_vat.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "**/*.ipynb"]
suppress_warnings = ["config.cache", "autosummary.import_cycle"]
default_role = "code"
highlight_language = "none"
smartquotes = False
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!keras_vat\.).*")]  # works offline: no other project's pages

html_theme = "pydata_sphinx_theme"
html_title = "keras_vat"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["wider.css"]
html_sidebars = {"start": []}
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "secondary_sidebar_items": [],  # pages are short: the width is for code
}

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_inherit_docstrings = False
autodoc_typehints = "none"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Reference"]

work = pathlib.Path(tempfile.mkdtemp(prefix="keras_vat_docs_"))  # what the examples write


def example_arguments(_, script_vars):
    """What an example is called with: its files go into a folder that is removed again.

    The gallery takes the docstring away, of which examples show the first line as their help.
    """
    text = pathlib.Path(script_vars["src_file"]).read_text()
    script_vars["example_globals"]["__doc__"] = ast.get_docstring(ast.parse(text))
    paths = {"--picture": "picture.png", "--generators": "generators", "--path": "models"}
    return [
        word
        for option, path in paths.items()
        if f'"{option}"' in text
        for word in (option, str(work / path))
    ]


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "generated/examples",
    "filename_pattern": "/" if "TFDS_DATA_DIR" in os.environ else "/(?!mnist|latent_vat)",
    "reset_argv": example_arguments,
    "copyfile_regex": "",
    "download_all_examples": False,
    "show_signature": False,
    "within_subsection_order": "FileNameSortKey",
    "remove_config_comments": True,
    "abort_on_example_error": True,
    "write_computation_times": False,
}


def links_within(app, name, text):
    """Links that work in the checkout lead to the built pages."""
    text[0] = text[0].replace("](../benchmarks/README.md", "](/measurements.md")
    text[0] = re.sub(r"\]\(\.\./examples/(\w+)\.py\)", r"](/generated/examples/\1.rst)", text[0])


def restructured(app, what, name, thing, options, lines):
    """Formulas as they stand, and fenced examples as code."""
    text = re.sub(r"^(Formula\b(?:.|\n(?!\n))*?):\n\n", r"\1::\n\n", "\n".join(lines), flags=re.M)
    lines[:] = re.sub(r"^( *)```\w*\n((?:.|\n)*?)^ *```$", as_code, text, flags=re.M).split("\n")


def constructor(app, what, name, thing, options, signature, returns):
    """Keras's layers have a `__new__` of any arguments: what counts are those of `__init__`."""
    if what == "class" and signature == "(*args, **kwargs)":
        parameters = list(inspect.signature(thing.__init__).parameters.values())[1:]
        return str(inspect.Signature(parameters)), returns


def as_code(block):
    indent, code = block.groups()
    return f"{indent}.. code-block:: python\n\n" + textwrap.indent(code, "    ")


def not_ours(app, what, name, thing, skip, options):
    """Skips what scikit-learn adds to its estimators."""
    return skip or re.fullmatch("set_.*_request", name) is not None


def setup(app):
    app.connect("source-read", links_within)
    app.connect("autodoc-process-docstring", restructured, priority=1)
    app.connect("autodoc-process-signature", constructor)
    app.connect("autodoc-skip-member", not_ours)
    app.connect("build-finished", lambda *_: shutil.rmtree(work, ignore_errors=True))
