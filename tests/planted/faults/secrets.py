"""I10: no secret where it is not needed, and no way to guess one."""

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="a cluster's echo of a signed URL is kept",
        promise="I10",
        mechanism="Text from a cluster loses the query of every URL in it before anybody stores or shows it.",
        file="jobs/clusters/http/reading.py",
        old='    clean = redact(_QUERY.sub(r"\\1?…", _UNPRINTABLE.sub(" ", value[: 4 * longest]))).strip()\n',
        new='    clean = _UNPRINTABLE.sub(" ", value[: 4 * longest]).strip()\n',
        proofs=("tests/contracts/test_reading.py::test_text_is_free_of_what_a_database_refuses_and_of_signatures",),
    ),
    Fault(
        name="a cluster's echo of our key is kept",
        promise="I10",
        mechanism="What a cluster quotes of the key and of the token that were sent is blotted out of its answers.",
        file="jobs/clusters/http/transport.py",
        old='                    body = body.replace(written.encode(), "…".encode())\n',
        new="                    pass\n",
        proofs=("tests/contracts/test_wire.py::test_no_fault_tells_the_key_a_signature_or_a_token",),
    ),
    Fault(
        name="logs are not redacted",
        promise="I10",
        mechanism="Every line of a log is redacted after it was formatted: arguments and tracebacks alike.",
        file="lora_pipeline/log.py",
        old="        return redact(super().format(record))\n",
        new="        return super().format(record)\n",
        proofs=("tests/security/test_redaction.py::test_the_log_knows_the_secrets_of_the_settings",),
    ),
    Fault(
        name="the signed URL is logged",
        promise="I10",
        mechanism="Log lines name buckets and ids; a signed URL goes to the cluster and nowhere else.",
        file="jobs/reconcile/submission.py",
        old='from bucket: %s", job.short_id, job.dataset.storage_bucket)',
        new='from bucket: %s", job.short_id, signed.dataset.url)',
        proofs=("tests/jobs/test_log_lines.py::test_a_whole_road_leaves_no_secret_in_logs_and_events",),
    ),
    Fault(
        name="passwords can be guessed without end",
        promise="I10",
        mechanism="Failed guesses are counted in rows per address and per name; after ten a minute comes a 429.",
        file="accounts/guesses.py",
        old="    wait = max(_wait(key, rows, allowed, period, now) for key in keys)\n",
        new="    wait = 0\n",
        proofs=("tests/accounts/test_pages.py::test_guessing_is_slowed_down_for_an_address_and_for_a_name",),
    ),
)
