#!/usr/bin/env python3
"""Makes the folder and the tarball of a release from binaries. The same binaries make the same bytes.

release_folder.py BINARIES FOLDER VERSION ARCHITECTURE...    BINARIES/ARCHITECTURE/NAME/bootstrap, of functions and of seeder;
    BINARIES/pages/man, BINARIES/pages/completions
"""

import gzip
import hashlib
import io
import re
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The earliest time that a zip can store.
EPOCH = (1980, 1, 1, 0, 0, 0)
FUNCTION = re.compile(r"^  (\w+):\n    Type: AWS::Serverless::Function\n(?:(?:    .*)?\n)*", re.M)


def main():
    binaries, folder, version, *architectures = sys.argv[1:]
    release(Path(binaries), Path(folder), version, architectures)


def release(binaries, folder, version, architectures):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "statemachine").mkdir(parents=True)
    text = (ROOT / "template.yaml").read_text()
    for architecture in architectures:
        for function in re.findall(r"^      CodeUri: functions/(\S+)$", text, re.M):
            pack(binaries / architecture / function / "bootstrap", folder / f"functions/{architecture}/{function}.zip")
        seeder = folder / f"bin/linux-{architecture}/seeder"
        seeder.parent.mkdir(parents=True)
        shutil.copyfile(binaries / architecture / "seeder/bootstrap", seeder)
        seeder.chmod(0o755)
        # The default of `sam deploy`.
        name = "template.yaml" if architecture == architectures[0] else f"template-{architecture}.yaml"
        (folder / name).write_text(template(text, folder, architecture, version))
    for pages in ("man", "completions"):
        shutil.copytree(binaries / "pages" / pages, folder / pages)
    for file in ("LICENSE", "CHANGELOG.md", "statemachine/seed-cluster.asl.json"):
        shutil.copyfile(ROOT / file, folder / file)
    (folder / "samconfig.toml").write_text(samconfig())
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = "".join(f"{digest(path.read_bytes())}  {path.relative_to(folder).as_posix()}\n" for path in files)
    (folder / "SHA256SUMS").write_text(sums)
    tarball(folder)


def pack(binary, to):
    to.parent.mkdir(parents=True, exist_ok=True)
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr(entry, binary.read_bytes(), compresslevel=9)


def template(text, folder, architecture, version):
    """Returns the template with zips in place of sources, and with its comments."""
    text = text.replace("Description: elasticache-seeder - ", f"Description: elasticache-seeder {version} - ", 1)
    of_architecture = re.search(r"^  Architecture:\n(?:    .*\n)+", text, re.M)[0]
    only = re.sub(r"Default: .*", f"Default: {architecture}", re.sub(r"AllowedValues: .*", f"AllowedValues: [{architecture}]", of_architecture))
    text = text.replace(of_architecture, only)
    common = re.search(r"^Globals:\n(?:(?:  .*)?\n)*", text, re.M)[0]
    return FUNCTION.sub(lambda found: function(found[0], common, folder, architecture), text)


def function(block, common, folder, architecture):
    name = re.search(r"CodeUri: functions/(\S+)", block)[1]
    code = f"functions/{architecture}/{name}.zip"
    block = re.sub(r"      BuildMethod: .*\n      BuildProperties: .*\n", "      SkipBuild: true\n", block)
    block = block.replace(f"CodeUri: functions/{name}\n", f"CodeUri: {code}\n")
    # SAM publishes a version if this changes, and puts it into the function's description. So there is a new version only
    # if code or settings have changed: Lambda refuses a second version of the same code. Without it, another bucket of
    # artifacts would count as new code.
    content = digest((common + block).encode() + (folder / code).read_bytes())
    return block.replace("      AutoPublishAlias: live\n", f"      AutoPublishAlias: live\n      AutoPublishCodeSha256: {content}\n")


def samconfig():
    """Returns the settings without those for building."""
    text = (ROOT / "samconfig.toml").read_text()
    return re.sub(r"\[default\.(?:build|validate)\.parameters\]\n(?:(?!\[).*\n)*", "", text)


def tarball(folder):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            info = archive.gettarinfo(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
            info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
            info.mode = 0o755 if path.is_dir() or path.name == "seeder" else 0o644
            with path.open("rb") if path.is_file() else io.BytesIO() as content:
                archive.addfile(info, content if path.is_file() else None)
    packed = gzip.compress(data.getvalue(), mtime=0)
    name = folder.with_name(folder.name + ".tar.gz")
    name.write_bytes(packed)
    name.with_name(name.name + ".sha256").write_text(f"{digest(packed)}  {name.name}\n")


def digest(data):
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    main()
