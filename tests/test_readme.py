"""What the README says beside its examples, which are run: versions, links, pictures."""

import re
from pathlib import Path

import pytest

import softglm

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
VERSIONS = ROOT / ".ci" / "ecosystem.txt"
# pytest runs them all, and no user asks with which version.
NOT_SHOWN = {"pytest"}


def section(title):
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


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
    targets = re.findall(r"\]\(([^)\s]+)\)", README)
    inside = [target for target in targets if not target.startswith(("#", "https://"))]
    assert inside
    assert not [target for target in inside if not (ROOT / target).exists()]
    headings = {
        "#" + re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"\n##+ (.*)", README)
    }
    assert not [target for target in targets if target.startswith("#") and target not in headings]


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
