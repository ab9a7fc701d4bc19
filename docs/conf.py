"""Sphinx configuration: `sphinx-build -W --keep-going -b html docs docs/_build/html`, without network."""

import re
import sys
import typing
from pathlib import Path

typing.GENERATING_DOCUMENTATION = True  # before jaxtyping is imported: it then prints Float[Array, "n"] as such

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import performance  # noqa: E402

import otsort  # noqa: E402

project = "otsort"
author = "The otsort developers"
project_copyright = author
version = release = otsort.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "sphinx-mathjax-offline",
    "sphinxcontrib.bibtex",
    "myst_parser",
    "sphinx_design",
]
myst_enable_extensions = ["dollarmath"]
exclude_patterns = ["_build"]
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!otsort\.[^_]).*")]  # private names, other packages', and bits of code

autosummary_generate = False  # the tables link to the pages that exist

html_theme = "pydata_sphinx_theme"
html_title = f"otsort {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_sidebars = {page: [] for page in ("index", "gallery/index")}  # pages without others beside them
html_theme_options = {
    "header_links_before_dropdown": 6,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 3,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = True
maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # the signature shows them

bibtex_bibfiles = ["references.bib"]

sphinx_gallery_conf = {
    "examples_dirs": ["../tutorials", "../gallery"],
    "gallery_dirs": ["tutorials", "gallery"],
    "subsection_order": [f"../gallery/{use}" for use in ("train", "select", "statistics", "solve")],
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "parallel": 2,
    "capture_repr": (),  # scripts print what is to be read
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}


def name_default_functions(app, what, name, obj, options, signature, return_annotation):
    """A default that is a function is shown by its name."""
    return signature and (re.sub(r"<function (\w+)>", r"\1", signature), return_annotation)


def write_performance(app):
    """The page of stored benchmarks, from their results as they are now."""
    performance.write(HERE.parent / "benchmarks" / "results", HERE / "generated" / "performance")


def setup(app):
    app.connect("builder-inited", write_performance)
    app.connect("autodoc-process-signature", name_default_functions)
