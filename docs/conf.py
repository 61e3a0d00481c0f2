"""How Sphinx builds these documents: `make docs`."""

from sphinx.application import Sphinx

project = "synth2real"
html_title = project
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["wide.css"]
html_show_copyright = False
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "resources/*.md", "benchmarks/*.md", "examples/*/*.md"]
myst_heading_anchors = 3
# Some links lead to folders, which are no pages: they have no target here. A test sees that all
# files and folders that documents link to are there.
suppress_warnings = ["myst.xref_missing"]
napoleon_use_ivar = True
default_role = "code"  # docstrings have single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures have them

CONTENTS = """
```{toctree}
:hidden:

docs/results
docs/other-images
docs/goals
docs/trials
docs/experiment
docs/own-data
docs/use
docs/settings
docs/cluster
docs/reliability
docs/design
docs/extending
docs/api
resources/README
examples/photos/README
benchmarks/README
CONTRIBUTING
CHANGELOG
```
"""


def add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    """What the sidebar lists, which README.md has as a table."""
    if page == root_doc:
        source[0] += CONTENTS


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_contents)
