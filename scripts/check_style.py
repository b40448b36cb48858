"""Checks what rustfmt and clippy do not: modules, imports, the width of comments, and the words of the glossary.

CONTRIBUTING.md has the rules. Exits with 1 and lists each violation.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_COMMENT_WIDTH = 120
# Left: ambiguous words. Right: what to write instead.
WORDS = {
    r"\b(tell|tells|told)\b": "report, list, say",
    r"\b(looks?|looked|looking) (at|into)\b": "check, read, inspect",
    r"(?<!left[ -])(?<!Something )\bbehind\b": "after, past",
    r"\bso many\b": "this many, at most N",
    r"\bstands?\b(?! in\b)": "is, occurs, is stored",
    r"\b(go|goes|going|went) on\b": "continue",
    r"\bnobody\b": "no one, or the actor's name",
    r"\b(come|comes|came) up\b": "become available",
    r"\bspeaks? against\b": "block",
    r"\b(taken|take|takes) back\b": "revoke",
    r"\b(we|ours|us(?!-)|our)\b": "the tool's name, or the passive",
}
# The texts that are checked: pages, and the options' help.
PAGES = ["*.md"]
HELP = ["crates/seeder-cli/src/args.rs", "crates/seeder-cli/src/args/*.rs"]
# Messages: findings, errors, remedies, what commands print, descriptions of parameters and targets.
MESSAGES = [
    "crates/*/src/*.rs", "functions/*/src/*.rs", "local/*/src/*.rs", "benches/*.rs", "tests/src/*.rs",
    "tests/differential/src/*.rs", "tests/docs/src/*.rs", "statemachine/*.json", "events/*.json", "scripts/*.py",
    "tests/template/*.py", "tests/interpreters/*.py", "tests/deployed/*.py",
]
# The words of AWS, as the local services repeat them.
AWS_SAYS = ["local/gateway/src/answers.rs", "local/stack/src/account_api/signature.rs"]
DESCRIPTIONS = {"template.yaml": r"^(?!\s*#)", "Makefile": r"^[\w-]+:.*## "}


def tracked(pattern):
    names = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).exists()]


def modules_have_one_style():
    for path in tracked("*.rs"):
        # A module that several test programs share needs this name, or it would be a test program itself.
        if path.name == "mod.rs" and "tests" not in path.parts:
            yield f"{path.relative_to(ROOT)}: name it after its folder, beside the folder"


def comments_are_within_the_width():
    for path in tracked("*.rs"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.lstrip().startswith("//") and len(line) > MAX_COMMENT_WIDTH and "http" not in line:
                yield f"{path.relative_to(ROOT)}:{number}: a comment of {len(line)} columns, expected {MAX_COMMENT_WIDTH} at most"


def imports_are_grouped():
    """One `use` for each crate, at the top of a file."""
    for path in tracked("*.rs"):
        top = re.split(r"^(?:fn|pub|struct|enum|impl|const|static|trait|macro_rules|#\[cfg\(test\)\])", path.read_text(), flags=re.M)[0]
        # rustfmt does not merge globs.
        crates = re.findall(r"^use (?:::)?(\w+)(?:;|::(?![\w:]*\*;))", top, re.M)
        for name in sorted({name for name in crates if crates.count(name) > 1 and name not in ("self", "super")}):
            yield f"{path.relative_to(ROOT)}: several `use {name}::…`, expected one"


def words_are_those_of_the_glossary():
    for pattern in PAGES:
        for path in tracked(pattern):
            yield from faults_of(path, enumerate(without_code(path.read_text()).splitlines(), 1))
    for pattern in HELP:
        for path in tracked(pattern):
            lines = enumerate(path.read_text().splitlines(), 1)
            yield from faults_of(path, [(number, line) for number, line in lines if line.lstrip().startswith("///")])
    for pattern in MESSAGES:
        for path in tracked(pattern):
            if not is_test(path) and path.relative_to(ROOT).as_posix() not in AWS_SAYS:
                yield from faults_of(path, messages_of(path))
    for name, described in DESCRIPTIONS.items():
        lines = enumerate((ROOT / name).read_text().splitlines(), 1)
        yield from faults_of(ROOT / name, [(number, line) for number, line in lines if re.match(described, line)])


def is_test(path):
    inside = path.relative_to(ROOT)
    return "tests" in inside.stem or "tests" in inside.parts[1:] or "test_util" in inside.as_posix()


def messages_of(path):
    """Yields the lines of texts of several words, up to the tests of a file."""
    product = re.split(r"^#\[cfg\(test\)\]$", path.read_text(), flags=re.M)[0]
    # A comment, or a quotation mark as a character, is no text.
    uncommented = re.sub(r"(^|\s)//[/!]?( .*)?$|b?'\\?\"'", r"\1", product, flags=re.M)
    for found in re.finditer(r'"((?:[^"\\]|\\.)*)"', uncommented, re.S):
        if " " in found[1]:
            first = uncommented.count("\n", 0, found.start()) + 1
            yield from enumerate(re.sub(r"`[^`\n]*`|\{[^{}\n]*\}", "", found[1]).splitlines(), first)


def without_code(page):
    """Blanks blocks and spans of code, so that lines keep their numbers."""
    blank = lambda found: re.sub(r"[^\n]", " ", found[0])
    return re.sub(r"`[^`\n]*`", blank, re.sub(r"^```.*?^```", blank, page, flags=re.M | re.S))


def faults_of(path, lines):
    for number, line in lines:
        for word, better in WORDS.items():
            for found in re.findall(word, line, re.I):
                found = found if isinstance(found, str) else " ".join(found)
                yield f"{path.relative_to(ROOT)}:{number}: `{found}`, write: {better}"


CHECKS = [
    modules_have_one_style,
    comments_are_within_the_width,
    imports_are_grouped,
    words_are_those_of_the_glossary,
]


def main():
    failed = 0
    for check in CHECKS:
        faults = list(check())
        print(f"{'FAIL' if faults else 'ok  '} {check.__name__.replace('_', ' ')}")
        for fault in faults:
            print(f"       {fault}")
        failed += bool(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
