"""The pinned environments: every package by version and hash, the same for pip and conda."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ENVS = ["cpu", "gpu"]
PIN = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[0-9][0-9a-z.+!]*)"
    r"( ; (?P<marker>[a-z_]+ [^#;]+?))?"
    r"(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)"
)


def text(name: str) -> str:
    return (ROOT / "envs" / name).read_text()


def lines(env: str) -> list[str]:
    """The requirements of NAME.txt, each on one line and with single spaces."""
    joined = text(f"{env}.txt").replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in joined]


def pins(env: str) -> list[tuple[str, str, str | None]]:
    """Name, version and marker of each requirement; a package may have several, by marker."""
    matches = [PIN.fullmatch(line) for line in lines(env)]
    assert all(matches), [line[:80] for line, m in zip(lines(env), matches, strict=True) if not m]
    return [(match["name"], match["version"], match["marker"]) for match in matches if match]


@pytest.fixture(scope="module")
def lock() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "envs" / "lock.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("env", ENVS)
def test_every_requirement_is_a_version_with_hashes(env: str) -> None:
    assert len(pins(env)) > 50


@pytest.mark.parametrize("name", [f"{env}.{kind}" for env in ENVS for kind in ("txt", "yaml")])
def test_no_index_address_or_path_is_named(name: str) -> None:
    content = re.sub(r"--hash=sha256:[0-9a-f]+", "", text(name))
    assert not re.search(r"://|\s@\s|--[a-z]|file:|(^|\s)-[a-z]\b|(^|\s)[./~]|\.whl", content)


@pytest.mark.parametrize("env", ENVS)
def test_a_package_has_one_version_or_markers_to_tell(env: str) -> None:
    names = [name for name, _, _ in pins(env)]
    for name, _, marker in pins(env):
        assert names.count(name) == 1 or marker, name


def test_the_gpus_environment_has_the_cpus_versions_and_cuda() -> None:
    cpu, gpu = set(lines("cpu")), set(lines("gpu"))
    assert {(n, v) for n, v, _ in pins("cpu")} <= {(n, v) for n, v, _ in pins("gpu")}
    more = {name for name, _, _ in pins("gpu")} - {name for name, _, _ in pins("cpu")}
    assert {"jax-cuda13-plugin", "jax-cuda13-pjrt"} <= more
    assert all(re.search("cuda|nvidia", name) for name in more), more
    # Not only the versions: also markers and hashes.
    assert cpu <= gpu


@pytest.mark.parametrize("env", ENVS)
def test_every_dependency_of_the_project_is_pinned(env: str) -> None:
    groups = PROJECT["dependency-groups"]
    assert groups.keys() == {"cuda", "dev"}
    wanted = PROJECT["project"]["dependencies"] + groups["dev"]
    wanted += groups["cuda"] if env == "gpu" else []
    names = {re.match(r"[A-Za-z0-9._-]+", requirement).group().lower() for requirement in wanted}
    assert len(names) > 15
    assert {name.replace("_", "-") for name in names} <= {name for name, _, _ in pins(env)}


@pytest.mark.parametrize("env", ENVS)
def test_pinned_versions_are_those_that_the_project_allows(env: str) -> None:
    versions = {name: version for name, version, _ in pins(env)}
    for requirement in PROJECT["project"]["dependencies"]:
        name, bounds = re.fullmatch(r"([a-z0-9-]+)(.*)", requirement).groups()
        for relation, bound in re.findall(r"(>=|<)([0-9.]+)", bounds):
            version, limit = (
                [int(part) for part in number.split(".")] for number in (versions[name], bound)
            )
            assert (version >= limit) == (relation == ">="), requirement


@pytest.mark.parametrize("env", ENVS)
def test_condas_file_is_made_from_pips(env: str, lock: ModuleType) -> None:
    assert text(f"{env}.yaml") == lock.conda_environment(env, text(f"{env}.txt"))


@pytest.mark.parametrize("env", ENVS)
def test_conda_installs_the_same_pins_with_pip(env: str) -> None:
    environment = yaml.safe_load(text(f"{env}.yaml"))
    assert environment.keys() == {"channels", "dependencies"}
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    *others, pip = environment["dependencies"]
    assert [entry.split("=")[0] for entry in others] == ["python", "pip"]
    assert [" ".join(pin.split()) for pin in pip["pip"]] == lines(env)


@pytest.mark.parametrize("env", ENVS)
def test_the_python_version_is_the_projects_oldest(env: str, lock: ModuleType) -> None:
    python = yaml.safe_load(text(f"{env}.yaml"))["dependencies"][0]
    assert python == f"python={lock.PYTHON}"
    assert PROJECT["project"]["requires-python"] == f">={lock.PYTHON}"
    assert (
        f"sys.version_info < ({lock.PYTHON.replace('.', ', ')})" in (ROOT / "Makefile").read_text()
    )
