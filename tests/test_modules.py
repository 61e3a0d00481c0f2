"""The modules that a script uses, which Snakemake watches for edits."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from synth2real.modules import modules_used

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
# A stage's own module or package, where it is not the script's name.
STAGES = {
    "accuracy": "figures/table",
    "classify_test": "classify/accuracy",
    "classify_train": "classify/train",
    "convert": "convert/convert",
    "convert_format": "convert/formats",
    "curves": "figures/curves",
    "fonts": "sources/fonts/fonts",
    "figure2": "figures/samples",
    "figure3": "figures/samples",
    "gan": "gan/train",
    "gap": "gap/measure",
    "gap_figure": "figures/gap",
    "gap_judge": "gap/judge",
    "gap_table": "gap/table",
    "conversions": "figures/conversions",
    "features": "figures/features",
    "gallery": "figures/gallery",
    "manifest": "report/manifest",
    "mistakes": "figures/mistakes",
    "real_unlabelled": "unlabelled",
    "report": "report/page",
    "training": "figures/training",
    "verdict": "verdict/report",
    "verdict_figure": "figures/verdict",
}


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """A package `pkg` of some modules, each of which is imported in another way."""
    src = tmp_path / "src"
    files = {
        "pkg/__init__.py": "",
        "pkg/direct.py": "import os\nfrom pkg.through import f\n",
        "pkg/through.py": "import numpy.linalg\nimport pkg.deep.end\n",
        "pkg/deep/__init__.py": "from pkg.by_init import x\n",
        "pkg/deep/end.py": "",
        "pkg/by_init.py": "",
        "pkg/late.py": "",
        "pkg/loop.py": "from pkg import loop_back\n",
        "pkg/loop_back.py": "from pkg import loop\n",
        "pkg/unused.py": "import pkg.direct\n",
        "other.py": "",
    }
    for name, text in files.items():
        (src / name).parent.mkdir(parents=True, exist_ok=True)
        (src / name).write_text(text)
    return src


def used(src: Path, script: str) -> list[str]:
    path = src.parent / "script.py"
    path.write_text(script)
    return [str(Path(name).relative_to(src)) for name in modules_used(path, src)]


def test_a_script_that_imports_nothing_of_ours_uses_nothing(src: Path) -> None:
    assert used(src, "import os, numpy as np\nfrom pathlib import Path\n") == []


def test_a_module_and_its_packages(src: Path) -> None:
    assert used(src, "from pkg.late import f") == ["pkg/__init__.py", "pkg/late.py"]
    assert used(src, "import pkg.late as l") == ["pkg/__init__.py", "pkg/late.py"]
    assert used(src, "import other, pkg") == ["other.py", "pkg/__init__.py"]


def test_what_a_module_compiles_is_used_with_it(src: Path) -> None:
    (src / "other.cc").write_text("int main() {}")
    assert used(src, "import other") == ["other.cc", "other.py"]


def test_a_submodule_imported_as_a_name(src: Path) -> None:
    assert used(src, "from pkg import late") == ["pkg/__init__.py", "pkg/late.py"]


def test_modules_through_modules_and_a_packages_init(src: Path) -> None:
    names = ["__init__", "by_init", "deep/__init__", "deep/end", "direct", "through"]
    assert used(src, "from pkg import direct") == [f"pkg/{name}.py" for name in names]


def test_modules_that_import_each_other(src: Path) -> None:
    names = ["pkg/__init__.py", "pkg/loop.py", "pkg/loop_back.py"]
    assert used(src, "import pkg.loop") == names


def test_imports_inside_functions_and_conditions_count(src: Path) -> None:
    late = ["pkg/__init__.py", "pkg/late.py"]
    assert used(src, "def f():\n    from pkg.late import g\n") == late
    assert used(src, "if False:\n    import pkg.late\n") == late


def test_the_code_is_not_run(src: Path) -> None:
    assert used(src, "raise SystemExit\nimport pkg.late") == ["pkg/__init__.py", "pkg/late.py"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_uses_its_own_stage(script: Path) -> None:
    modules = modules_used(script, ROOT / "src")
    package = ROOT / "src" / "synth2real"
    assert str(package / f"{STAGES.get(script.stem, script.stem)}.py") in modules
    assert str(package / "__init__.py") in modules and str(package / "job.py") in modules
    assert all(Path(module).is_file() for module in modules)


def test_every_module_is_used_by_a_script_or_the_rules(tmp_path: Path) -> None:
    text = (ROOT / "rules" / "common.smk").read_text()
    imports = re.findall(r"^from synth2real[^(\n]*(?:\([^)]*\))?", text, re.MULTILINE)
    rules = tmp_path / "rules.py"
    rules.write_text("\n".join(imports))
    used = {path for script in [*SCRIPTS, rules] for path in modules_used(script, ROOT / "src")}
    # `make run` and `make status` call these themselves, users the others.
    calls = ["config/__main__.py", "report/status.py", "report/compare.py"]
    commands = (ROOT / "src/synth2real/cli").glob("*.py")
    for path in [*commands, *(ROOT / "src/synth2real" / name for name in calls)]:
        used |= {str(path), *modules_used(path, ROOT / "src")}
    package = ROOT / "src" / "synth2real"
    assert used == {str(path) for kind in ("py", "cc") for path in package.rglob(f"*.{kind}")}


def test_nothing_is_imported_by_a_relative_name() -> None:
    # modules_used does not resolve them.
    for path in [*SCRIPTS, *(ROOT / "src").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path


def test_python_loads_no_module_that_was_not_found() -> None:
    # Imports the modules of each script in turn, forgets ours, and says which files they were.
    program = """
import ast, json, sys
loaded = {}
for script in sys.argv[1:]:
    for name in [name for name in sys.modules if name.split(".")[0] == "synth2real"]:
        del sys.modules[name]
    for node in ast.parse(open(script).read()).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            exec(compile(ast.Module([node], []), script, "exec"))
    ours = [m for name, m in sys.modules.items() if name.split(".")[0] == "synth2real"]
    loaded[script] = [module.__file__ for module in ours]
print(json.dumps(loaded))
"""
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, SCRIPTS)],
        env={"PYTHONPATH": str(ROOT / "src"), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    for script, files in json.loads(result.stdout).items():
        found = {name for name in modules_used(Path(script), ROOT / "src") if name[-3:] == ".py"}
        assert set(files) == found, script
