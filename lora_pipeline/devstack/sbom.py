"""`bin/sbom`: what production runs, as a software bill of materials (CycloneDX 1.6, JSON) on stdout.

    bin/sbom                                 the control plane (requirements.txt)
    bin/sbom gpu_node/requirements.txt       another lock

Packages, versions, hashes and who needs whom are the lock's; licences are what the installed packages say of
themselves, and missing for one that this machine does not need.
"""

import re
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from lora_pipeline.devstack.places import ROOT

LOCK = "requirements.txt"
_PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+))?")
_HASH = re.compile(r"--hash=sha256:(?P<digest>[0-9a-f]{64})")
_VIA = re.compile(r"^    #(?: via|  )(?: -r)? (?P<name>[^\s#]+)$")


@dataclass(frozen=True)
class Pinned:
    """One package of a lock. `needed_by` are names of packages, and the .in file for what we ask for ourselves."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]


def read(lock: str) -> list[Pinned]:
    """The packages of a lock's text, in its order."""
    found = []
    for block in re.split(r"\n(?=[a-z0-9])", lock):
        pin = _PIN.match(block)
        if pin is None:
            continue
        via = [match["name"] for line in block.splitlines() if (match := _VIA.match(line))]
        hashes = tuple(match["digest"] for match in _HASH.finditer(block))
        found.append(Pinned(pin["name"], pin["version"], (pin["marker"] or "").strip(), hashes, tuple(via)))
    return found


def bill(lock: str, *, name: str) -> Bom:
    """The bill of a lock's text; its serial number is the same for the same text."""
    components = [(package, _component(package)) for package in read(lock)]
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, lock), components=[one for _, one in components])
    bom.metadata.component = root = Component(name=name, type=ComponentType.APPLICATION, bom_ref=name)
    # A name stands there twice where two versions of Python need two of its versions.
    packages = {package.name for package, _ in components}
    asked_for = [one for package, one in components if set(package.needed_by) - packages]
    bom.register_dependency(root, asked_for)
    for package, component in components:
        bom.register_dependency(component, [one for other, one in components if package.name in other.needed_by])
    return bom


def as_json(bom: Bom) -> str:
    """The document."""
    return JsonV1Dot6(bom).output_as_string(indent=2)


def main(arguments: Sequence[str]) -> int:
    """Print the bill of one lock."""
    lock = Path(arguments[0]) if arguments else ROOT / LOCK
    print(as_json(bill(lock.read_text(), name="lora-pipeline")))
    return 0


def _component(package: Pinned) -> Component:
    purl = PackageURL("pypi", name=package.name, version=package.version)
    marked = [Property(name="python:marker", value=package.marker)] if package.marker else []
    return Component(
        name=package.name,
        version=package.version,
        purl=purl,
        bom_ref=str(purl),
        type=ComponentType.LIBRARY,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in package.hashes],
        licenses=list(_licences(package)),
        properties=marked,
    )


def _licences(package: Pinned) -> Iterator[License]:
    """What the installed package says: an SPDX expression, a name, or its classifiers, in this order."""
    try:
        said = metadata.metadata(package.name).json
    except metadata.PackageNotFoundError:
        return
    classified = [line.rpartition(" :: ")[2] for line in said.get("classifier", []) if line.startswith("License ::")]
    free = str(said.get("license", "")).strip()
    texts = [str(said["license_expression"])] if "license_expression" in said else []
    texts = texts or ([free] if free and "\n" not in free and len(free) < 100 else classified)
    for text in texts:
        yield LicenseFactory().make_from_string(text, license_acknowledgement=LicenseAcknowledgement.DECLARED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
