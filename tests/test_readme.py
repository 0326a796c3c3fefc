"""What the README says beside its examples, which are run: versions, links, pictures."""

import re
from pathlib import Path

import pytest

import softglm

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING, SECURITY = ROOT / ".github" / "CONTRIBUTING.md", ROOT / ".github" / "SECURITY.md"
VERSIONS = ROOT / ".ci" / "ecosystem.txt"
# pytest runs them all, and no user asks with which version.
NOT_SHOWN = {"pytest"}


def section(title):
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def targets_in(text):
    return re.findall(r"\]\(([^)\s]+)\)", text)


def headings():
    titles = re.findall(r"\n##+ (.*)", README)
    return {"#" + re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.skipif(not VERSIONS.exists(), reason="an sdist has no .ci")
def test_the_versions_that_were_tried_are_those_that_are_installed():
    pinned = dict(line.split("==") for line in VERSIONS.read_text().splitlines() if "==" in line)
    rows = [row.split("|")[1:3] for row in section("Tried with").splitlines() if re.match(r"\| [a-z]+.* \| \d", row)]
    shown = [pair for names, versions in rows for pair in zip(names.split(","), versions.split(","), strict=True)]
    assert {name.strip(): version.strip() for name, version in shown} == {
        name: version for name, version in pinned.items() if name not in NOT_SHOWN
    }


@pytest.mark.skipif(not (ROOT / "softglm").is_dir(), reason="the package is tested as it was installed")
def test_links_lead_somewhere():
    targets = targets_in(README)
    inside = [target for target in targets if not target.startswith(("#", "https://"))]
    assert inside
    assert not [target for target in inside if not (ROOT / target).exists()]
    assert not [target for target in targets if target.startswith("#") and target not in headings()]


def test_links_of_the_pages_beside_it_lead_somewhere():
    for page in (ROOT / ".github").glob("*.md"):
        for target in targets_in(page.read_text(encoding="utf-8")):
            path, _, heading = target.partition("#")
            assert (page.parent / path).exists(), f"{page.name}: {target}"
            assert not heading or f"#{heading}" in headings(), f"{page.name}: {target}"


@pytest.mark.skipif(not CONTRIBUTING.exists(), reason="an sdist has no .github")
def test_contributors_are_told_the_same_in_both_places():
    text = CONTRIBUTING.read_text(encoding="utf-8")
    (install,) = re.findall(r"^python3 -m venv .*$", text, re.MULTILINE)
    assert install in section("Contributing")
    commands = re.findall(r"^\| `(\.ci/\w+)` ", text, re.MULTILINE)
    assert commands
    assert not [command for command in commands if not (ROOT / command).exists()]


@pytest.mark.skipif(not SECURITY.exists(), reason="an sdist has no .github")
def test_the_type_to_trust_is_that_of_the_readme():
    trusted = re.findall(r"trusted=(\[.*?\])", SECURITY.read_text(encoding="utf-8"))
    assert trusted
    assert all(f"trusted={names}" in README for names in trusted)


def test_all_pictures_are_shown_and_say_what_they_show():
    shown = re.findall(r"!\[([^]]+)\]\(\.docs/images/(\w+\.png)\)", README)
    assert sorted(name for _, name in shown) == sorted(path.name for path in (ROOT / ".docs" / "images").iterdir())
    script = (ROOT / ".docs" / "pictures.py").read_text(encoding="utf-8")
    # The benchmark draws the other one.
    assert all(f'"{Path(name).stem}":' in script for _, name in shown if name != "performance.png")


def test_the_type_to_trust_is_where_the_estimator_is():
    name = f"{softglm.SoftmaxGLM.__module__}.{softglm.SoftmaxGLM.__qualname__}"
    assert README.count(f'["{name}"]') == 2


def test_the_version_is_this_one():
    assert f"version = {{{softglm.__version__}}}" in section("Citation")
    assert section("Changelog").strip().startswith(f"*{softglm.__version__}*")
