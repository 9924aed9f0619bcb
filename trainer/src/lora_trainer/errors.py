"""What ends a run: a failure with a code that machines read and a message that a user can act on; or a stop."""


class TrainingFailed(Exception):
    """Ends the run as failed. `code` is one of the codes in README.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class SettingsInvalid(TrainingFailed):
    def __init__(self, message: str) -> None:
        super().__init__("settings_invalid", message)


class DatasetInvalid(TrainingFailed):
    def __init__(self, message: str) -> None:
        super().__init__("dataset_invalid", message)


class BaseModelUnavailable(TrainingFailed):
    def __init__(self, message: str) -> None:
        super().__init__("base_model_unavailable", message)


class Stopped(BaseException):
    """Somebody asked us to end. Not an Exception: libraries that catch those must not swallow it."""
