"""Checks of what `make build` needs and runs: it has to work on macOS too, with bash 3.2 and without GNU's tools."""

import re

from subject import ROOT

# The scripts that `make build` reaches.
SCRIPTS = ("lib.sh", "setup.sh", "build.sh")
# What bash 3.2 or the BSD tools of macOS lack, and a hint.
ABSENT = {
    r"\$\{\w+(\[[@*]\])?(,,?|\^\^?)": "change case with tr",
    r"\b(mapfile|readarray|coproc)\b": "read in a loop",
    r"\b(declare|local|typeset) -\w*[An]": "there are no associative arrays or references",
    r"\$\{\w+@\w\}|\|&|&>>|;;&": "write it out",
    r"\b(sed -i|sed -r|grep -\w*P|readlink -f|realpath|date -d|stat -c|find .* -printf|sort -V|tac|nproc|timeout)\b": "an option or tool of GNU",
    r"(?<!v )\bsha256sum\b(?! \"\$@\")": "use sha256 of lib.sh",
}
# Parts of these scripts that only Debian runs.
DEBIAN = r"^(?:apt_install|servers|state_machine_validator)\(\) \{\n.*?^\}\n"


def building_needs_no_gnu():
    for name in SCRIPTS:
        text = re.sub(DEBIAN, "", (ROOT / "scripts" / name).read_text(), flags=re.M | re.S)
        for line in text.splitlines():
            code = re.sub(r"(^|\s)#.*", "", line)
            yield from (f"scripts/{name}: `{line.strip()}`: {hint}" for absent, hint in ABSENT.items() if re.search(absent, code))


def building_needs_no_package_manager():
    makefile = (ROOT / "Makefile").read_text()
    if not re.search(r"^build: ##.*\n\t@scripts/build\.sh$", makefile, re.M):
        yield "make build does more than scripts/build.sh"
    setup = (ROOT / "scripts/setup.sh").read_text()
    tools = re.search(r"^build_tools\(\) \{\n(.*?)^\}\n", setup, re.M | re.S)
    if not tools or re.search(r"apt_install|npm|sudo", tools[1]):
        yield "build_tools of scripts/setup.sh installs packages of the system"
    before = setup.split('[ "$level" = build ]; then\n    shift', 1)[0]
    if re.search(r"^apt_install [^(]", before, re.M):
        yield "scripts/setup.sh installs packages of the system before it knows that it builds"


def building_installs_what_the_tests_install():
    """One environment serves both, whichever comes first."""
    pins = {name: dict(line.split("==") for line in (ROOT / f"scripts/requirements/{name}.txt").read_text().splitlines() if "==" in line)
            for name in ("run", "build", "test")}
    for name in ("run", "build"):
        yield from (f"{name}.txt has {package}=={version}, test.txt {pins['test'].get(package)}"
                    for package, version in pins[name].items() if pins["test"].get(package) != version)
        wanted = [line for line in (ROOT / f"scripts/requirements/{name}.in").read_text().splitlines() if "==" in line]
        for package, version in (re.sub(r"\[.*\]", "", line).split("==") for line in wanted):
            if pins[name].get(package) != version:
                yield f"{name}.in wants {package}=={version}, {name}.txt has {pins[name].get(package)}"


def deploying_is_one_command():
    """samconfig.toml has all that `sam deploy` needs: newcomers are not asked for every parameter."""
    for page in ("README.md", "docs/DEPLOY.md"):
        text = (ROOT / page).read_text()
        block = re.search(r"```(?:sh)?\n(make build.*?)```", text, re.S)
        if not block or "sam deploy" not in block[1] or "--guided" in block[1]:
            yield f"{page} does not begin with make build and sam deploy"


CHECKS = [
    building_needs_no_gnu,
    building_needs_no_package_manager,
    building_installs_what_the_tests_install,
    deploying_is_one_command,
]
