"""Checks of a release: that it deploys what the template deploys, from the files beside it.

release.py FOLDER    checks a folder of scripts/release.sh, with its binaries
"""

import hashlib
import struct
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

from subject import FULL, FUNCTIONS, ROOT, TEXT, Template

sys.path.insert(0, str(ROOT / "scripts"))

import release_folder  # noqa: E402
from updates import translated  # noqa: E402

# "e_machine" of ELF files.
MACHINES = {"arm64": 183, "x86_64": 62}


def a_release_deploys_the_template():
    """With binaries that are none: what is packed is checked, not what is built."""
    with tempfile.TemporaryDirectory() as place:
        folder = make(Path(place), "first")
        yield from faults_of(folder)


def a_version_is_published_if_its_code_is_another():
    with tempfile.TemporaryDirectory() as place:
        first, same, other = (versions(make(Path(place), name, code)) for name, code in
                              (("1", b""), ("2", b""), ("3", b"new grant-access")))
        if first != same:
            yield "the same code makes other versions, which Lambda refuses"
        changed = {name for name in first if first[name] != other[name]}
        if changed != {"GrantAccessFunction"}:
            yield f"new code of grant-access makes new versions of {sorted(changed)}"


def make(place, name, code=b""):
    for architecture, machine in MACHINES.items():
        for binary in [*FUNCTIONS, "seeder"]:
            path = place / "binaries" / architecture / binary / "bootstrap"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x7fELF\2\1\1".ljust(18, b"\0") + struct.pack("<H", machine) + binary.encode()
                             + (code if code.endswith(binary.encode()) else b""))
    for page in ("man/seeder.1", "completions/seeder.bash"):
        path = place / "binaries/pages" / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page)
    folder = place / name / "elasticache-seeder-0.0.0"
    release_folder.release(place / "binaries", folder, "0.0.0", list(MACHINES))
    return folder


def versions(folder):
    resources = translated((folder / "template.yaml").read_text())
    return {one["Properties"]["FunctionName"]["Ref"]: name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Version"}


def faults_of(folder):
    sums = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS"}
    yield from (f"SHA256SUMS is wrong about {name}" for name in files.keys() | sums.keys() if name not in files
                or sums.get(name) != hashlib.sha256(files[name].read_bytes()).hexdigest())
    yield from (f"{page} is missing" for page in ("man/seeder.1", "completions/seeder.bash") if page not in files)
    if not folder.with_name(folder.name + ".tar.gz").is_file():
        yield "there is no tarball"
    if tomllib.loads((folder / "samconfig.toml").read_text())["default"].keys() != {"global", "deploy"}:
        yield "samconfig.toml is not about deploying only"
    for path in sorted(folder.glob("template*.yaml")):
        yield from (f"{path.name}: {fault}" for fault in faults_of_template(folder, path.read_text()))
    for path in sorted(folder.glob("bin/linux-*/seeder")):
        yield from wrong_machine(path.read_bytes(), path.parent.name.removeprefix("linux-"), str(path.relative_to(folder)))
        # PT_INTERP names the loader of a program that is not static.
        if b"/ld-linux" in path.read_bytes() or b"/ld-musl" in path.read_bytes():
            yield f"{path.relative_to(folder)} is not static"


def faults_of_template(folder, text):
    template = Template(text)
    architecture = template.parameters["Architecture"]
    if template.body["Parameters"]["Architecture"]["AllowedValues"] != [architecture]:
        yield "another architecture than that of its zips can be chosen"
    for name, one in template.resources("AWS::Serverless::Function").items():
        code, before = one["Properties"]["CodeUri"], FULL.body["Resources"][name]["Properties"]["CodeUri"]
        if code != f"{before.replace('functions/', f'functions/{architecture}/')}.zip" or not (folder / code).is_file():
            yield f"{name} is made of {code}"
            continue
        with zipfile.ZipFile(folder / code) as archive:
            entry, = archive.infolist()
            yield from wrong_machine(archive.read(entry), architecture, code)
            if entry.filename != "bootstrap" or not entry.external_attr >> 16 & 0o111:
                yield f"{code} has no program named bootstrap"
        if one["Metadata"].get("SkipBuild") is not True:
            yield f"{name} would be built"
    if not (folder / template.body["Resources"]["SeedClusterStateMachine"]["Properties"]["DefinitionUri"]).is_file():
        yield "the state machine's definition is missing"
    if neutral(template.body) != neutral(Template(TEXT).body):
        yield "it is not template.yaml with zips in place of sources"


def neutral(body):
    """The template without what a release replaces."""
    body["Description"] = ""
    body["Parameters"]["Architecture"] = {}
    for one in body["Resources"].values():
        if one["Type"] == "AWS::Serverless::Function":
            for key in ("CodeUri", "AutoPublishCodeSha256"):
                one["Properties"].pop(key, None)
            for key in ("BuildMethod", "BuildProperties", "SkipBuild"):
                one["Metadata"].pop(key, None)
    return body


def wrong_machine(binary, architecture, what):
    if binary[:4] != b"\x7fELF" or struct.unpack("<H", binary[18:20])[0] != MACHINES[architecture]:
        yield f"{what} is no program for {architecture}"


CHECKS = [a_release_deploys_the_template, a_version_is_published_if_its_code_is_another]


if __name__ == "__main__":
    found = list(faults_of(Path(sys.argv[1])))
    print("\n".join(found) or f"{sys.argv[1]}: checked")
    sys.exit(1 if found else 0)
