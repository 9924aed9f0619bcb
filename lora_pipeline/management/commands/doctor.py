"""`manage.py doctor` examines an installation and says for each fault what to do; exit code 1 if there is one."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from datasets.storage.diagnose import Finding
from lora_pipeline import diagnosis


class Command(BaseCommand):
    help = "Checks database, migrations, broker, workers, last cycle, clusters, buckets and signing, clocks, mail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["json"]:
            findings = list(diagnosis.examination())
            faults = [finding for finding in findings if not finding.ok]
            report = {"ok": not faults, "findings": [asdict(finding) for finding in findings]}
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        else:
            faults = self._print()
        if faults:
            raise SystemExit(1)

    def _print(self) -> list[Finding]:
        """Each finding on its line as soon as it is known; returns the faults."""
        faults = []
        for finding in diagnosis.examination():
            mark = self.style.SUCCESS("ok   ") if finding.ok else self.style.ERROR("FAULT")
            self.stdout.write(f"{mark}  {finding.name:<24}  {finding.message}")
            if not finding.ok:
                faults.append(finding)
                self.stdout.write(f"       {'':<24}  → {finding.advice}")
        self.stdout.write("")
        if faults:
            self.stdout.write(self.style.ERROR(f"{len(faults)} to mend: {', '.join(f.name for f in faults)}"))
        else:
            self.stdout.write(self.style.SUCCESS("All is well."))
        return faults
