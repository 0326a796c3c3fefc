"""What README, the guide and the notebooks say beside their examples, which are run: versions, links, pictures."""

import re
from pathlib import Path

import pytest

import softglm

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / ".docs"
PAGES = [ROOT / "README.md", *sorted((ROOT / ".github").glob("*.md")), *sorted(GUIDE.glob("**/*.md"))]
CONTRIBUTING, SECURITY = ROOT / ".github" / "CONTRIBUTING.md", ROOT / ".github" / "SECURITY.md"
VERSIONS = ROOT / ".ci" / "ecosystem.txt"
# The guide is written to be read, too; README within a few minutes.
MOST_WORDS = 1000
# Of the tests alone, and no user asks with which version.
NOT_SHOWN = {"markdown-it-py", "pytest"}
IN_CLONE = pytest.mark.skipif(
    not (ROOT / "softglm").is_dir() or not (ROOT / ".github").is_dir(), reason="links lead to what only a clone has"
)


def text_of(path):
    return path.read_text(encoding="utf-8")


def links_in(path):
    prose = re.sub(r"^```.*?^```", "", text_of(path), flags=re.DOTALL | re.MULTILINE)
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose) if not target.startswith("https://")]


def headings_of(path):
    titles = re.findall(r"^#+ (.*)", text_of(path), re.MULTILINE)
    return {re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_readme_is_short():
    assert len(text_of(ROOT / "README.md").split()) <= MOST_WORDS


@IN_CLONE
@pytest.mark.parametrize(
    "page", [*PAGES, *sorted(ROOT.glob("notebooks/*.ipynb"))], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_links_lead_somewhere(page):
    for target in links_in(page):
        path, _, heading = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not heading or heading in headings_of(found), target


def test_readme_leads_to_every_page_that_has_a_job():
    linked = {(ROOT / target).resolve() for target in links_in(ROOT / "README.md")}
    jobs = {page for page in (GUIDE / "how-to").glob("*.md") if page.stem != "index"}
    assert jobs <= linked


def test_all_pictures_are_drawn_by_the_script_and_shown_with_words():
    shown = [name for page in PAGES for name in re.findall(r"!\[[^]]+\]\(\S*images/(\w+)\.png\)", text_of(page))]
    of_displays = re.findall(r'^        "\w+Display": "(\w+)",$', text_of(GUIDE / "conf.py"), re.MULTILINE)
    images = {path.stem for path in (GUIDE / "images").glob("*.png")}
    assert images == {*shown, *of_displays}
    assert all(f'"{name}":' in text_of(GUIDE / "pictures.py") for name in images)


@pytest.mark.skipif(not VERSIONS.exists(), reason="an sdist has no .ci")
def test_the_versions_that_were_tried_are_those_that_are_installed():
    pinned = dict(re.findall(r"^(\S+)==(\S+)", text_of(VERSIONS), re.MULTILINE))
    table = text_of(GUIDE / "reference" / "tried-with.md")
    rows = [row.split("|")[1:3] for row in table.splitlines() if re.match(r"\| [a-z]+.* \| \d", row)]
    shown = [pair for names, versions in rows for pair in zip(names.split(","), versions.split(","), strict=True)]
    assert {name.strip(): version.strip() for name, version in shown} == {
        name: version for name, version in pinned.items() if name not in NOT_SHOWN
    }


@pytest.mark.skipif(not CONTRIBUTING.exists(), reason="an sdist has no .github")
def test_the_commands_that_contributors_are_told_are_there():
    commands = re.findall(r"^\| `(?:python )?(\.?\w+/[\w.]+)", text_of(CONTRIBUTING), re.MULTILINE)
    assert commands
    assert not [command for command in commands if not (ROOT / command).exists()]


def test_the_type_to_trust_is_where_the_estimator_is():
    name = f"{softglm.SoftmaxGLM.__module__}.{softglm.SoftmaxGLM.__qualname__}"
    assert text_of(GUIDE / "explanation" / "questions.md").count(f'["{name}"]') == 2
    if SECURITY.exists():
        assert re.findall(r"trusted=(\[.*?\])", text_of(SECURITY)) == [f'["{name}"]']


def test_the_version_is_this_one():
    changelog = text_of(GUIDE / "reference" / "changelog.md")
    assert f"version = {{{softglm.__version__}}}" in changelog
    assert re.search(r"^\*(\S+)\*", changelog, re.MULTILINE)[1] == softglm.__version__
