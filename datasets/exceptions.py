"""What can go wrong with a dataset, in words for its owner.

`kind` says what family an error belongs to; the composition root maps it to an HTTP status:
invalid -> 400, not_found -> 404, conflict -> 409, unavailable -> 503.
"""

from typing import Any, ClassVar, Literal

Kind = Literal["invalid", "not_found", "conflict", "unavailable"]


class DatasetError(Exception):
    """Base of all errors of this app. `message` tells the user what to do; `details` are for programs."""

    code: ClassVar[str] = "dataset_error"
    kind: ClassVar[Kind] = "invalid"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details


class FieldInvalid(DatasetError):
    """A value of the request is not acceptable; `details` is {field: [messages]}."""

    code = "invalid"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", **{field: [message]})


class DatasetNotFound(DatasetError):
    """No such dataset for this user. `field`: of a request that names it among others."""

    code = "not_found"
    kind = "not_found"

    def __init__(self, field: str = "") -> None:
        details = {field: ["It was deleted, or never was: choose another one."]} if field else {}
        super().__init__("There is no such dataset.", **details)


class UploadMissing(DatasetError):
    """The upload was called complete, but nothing has arrived in storage."""

    code = "upload_missing"
    kind = "conflict"


class UploadIncomplete(UploadMissing):
    """Parts of the upload are still missing; `details` names the first of them."""

    code = "upload_incomplete"


class TooManyUploads(DatasetError):
    """So many files are announced and have not come that no more can be."""

    code = "too_many_uploads"
    kind = "conflict"


class UploadSizeMismatch(DatasetError):
    """What arrived in storage is not as large as it was announced."""

    code = "upload_size_mismatch"
    kind = "conflict"


class UploadFinished(DatasetError):
    """A ticket is asked for a dataset that waits for no upload."""

    code = "upload_finished"
    kind = "conflict"


class ValidationRunning(DatasetError):
    """The dataset is being validated, or waits for its upload: it cannot be validated again now."""

    code = "validation_running"
    kind = "conflict"


class NotValidated(DatasetError):
    """The dataset has not been validated: there is nothing to correct yet."""

    code = "not_validated"
    kind = "conflict"


class ReportGone(DatasetError):
    """The file of all findings is not in storage any more, or is another validation's."""

    code = "report_gone"
    kind = "conflict"


class NoExamples(DatasetError):
    """No usable example is known of the dataset: it was not validated, or has none."""

    code = "no_examples"
    kind = "conflict"


class NoCorrection(DatasetError):
    """There is no corrected file: none was asked for, it is not written yet, or it is of an earlier state."""

    code = "no_correction"
    kind = "conflict"


class ImportNotFound(DatasetError):
    """No such object that this user may import. Absent and forbidden are deliberately the same."""

    code = "object_not_found"
    kind = "not_found"


class DatasetMissing(DatasetError):
    """The dataset's file is gone from storage."""

    code = "dataset_missing"
    kind = "conflict"


class DatasetChanged(DatasetError):
    """The dataset's file is not the one that was validated."""

    code = "dataset_changed"
    kind = "conflict"
