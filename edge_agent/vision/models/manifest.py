"""manifest.json: what a model is, where it comes from, and what goes in and comes out. Unknown keys are errors."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge_agent.vision.models.tasks import SLOTS, Form, Task

MANIFEST = "manifest.json"
LARGEST_MANIFEST = 1024 * 1024
LARGEST_FILE = 1024 * 1024 * 1024

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _file_name(value: str) -> str:
    if not _FILE_NAME.fullmatch(value) or value == MANIFEST:
        raise ValueError(f"{value!r} is no name of a file beside the manifest")
    return value


def _sha256(value: str) -> str:
    if not _SHA256.fullmatch(value):
        raise ValueError(f"{value!r} is no SHA-256; it has 64 digits 0-9a-f")
    return value


FileName = Annotated[str, AfterValidator(_file_name)]
Sha256 = Annotated[str, AfterValidator(_sha256)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Licence(_Part):
    """Under what the model may be used.

    Attributes:
        spdx: SPDX identifier, or several joined with AND.
        text: the file beside the manifest that holds the licence's text, one of `files`.
        note: what a reader of the licence should know.
    """

    spdx: Text
    text: FileName
    note: str = ""


class Source(_Part):
    """Where the model comes from.

    Attributes:
        package, version: the distribution whose files were taken, exactly; None for an operator's model.
        files: its files, by path inside the distribution, with their SHA-256.
        statement: for an operator's model: who made it, and from where it was had.
    """

    package: str | None = None
    version: str | None = None
    files: dict[str, Sha256] = Field(default_factory=dict)
    statement: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.package and self.version and self.files) and not self.statement:
            raise ValueError("say package, version and files, or a statement")
        return self


class Conversion(_Part):
    """How the original became this file, and how that was checked when it was built.

    Attributes:
        method: what was done.
        checked_against: what computed the expected outputs.
        largest_difference, tolerance: of any output value over all inputs tried.
    """

    method: Text
    checked_against: Text
    largest_difference: float = Field(ge=0)
    tolerance: float = Field(ge=0)


class Input(_Part):
    """What goes in: float32, batch x channels x height x width.

    Attributes:
        name: the graph's input.
        shape: four sizes; a text where the size is free.
        multiple: a free height or width must be a multiple of this.
        colour: order of the channels.
        mean, scale: value = (pixel 0..255 - mean[channel]) * scale[channel].
        note: what else is needed, such as how a crop is aligned.
    """

    name: Text
    shape: Annotated[list[int | str], Field(min_length=4, max_length=4)]
    multiple: int = Field(default=1, ge=1, le=256)
    colour: Literal["BGR", "RGB"]
    mean: Annotated[list[float], Field(min_length=3, max_length=3)]
    scale: Annotated[list[float], Field(min_length=3, max_length=3)]
    note: str = ""


class Output(_Part):
    """What comes out.

    Attributes:
        form: how the values are to be understood (edge_agent.vision.models.tasks.Form).
        names: the graph's outputs, in the form's order.
        note: what else is needed.
    """

    form: Form
    names: Annotated[list[str], Field(min_length=1, max_length=32)]
    note: str = ""


class Manifest(_Part):
    """One model.

    Attributes:
        format: of this file.
        task: what it is for; the directory's name.
        name: the model's own name.
        origin: "built" by `models build`, or "operator": never replaced by a build unless asked.
        model: the ONNX file, one of `files`; it holds its weights itself.
        files: every file beside this one, with its SHA-256.
        labels: a JSON file, a list of the classes' names, one of `files`.
        threshold, threshold_source: of the score that decides, and where it comes from.
        detector_sha256: a recogniser's: the face detector its threshold holds with.
        operator_licence: the operator's statement of the right to use a model whose licence is not permissive.
    """

    format: Literal[1]
    task: Annotated[Task, Field(strict=False)]
    name: Text
    origin: Literal["built", "operator"]
    model: FileName
    files: Annotated[dict[FileName, Sha256], Field(min_length=1, max_length=32)]
    labels: FileName | None = None
    licence: Licence
    operator_licence: str | None = None
    source: Source
    conversion: Conversion | None = None
    input: Input
    output: Annotated[Output, Field(strict=False)]
    threshold: float | None = None
    threshold_source: str = ""
    detector_sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        slot = SLOTS[self.task]
        for name in (self.model, self.licence.text, self.labels):
            if name is not None and name not in self.files:
                raise ValueError(f"{name} is not among the files")
        if self.output.form not in slot.forms:
            raise ValueError(f"{self.task} takes the forms {', '.join(sorted(slot.forms))}, not {self.output.form}")
        if slot.needs_labels and self.labels is None:
            raise ValueError(f"{self.task} needs labels")
        if (self.threshold is not None) != bool(self.threshold_source):
            raise ValueError("threshold and threshold_source belong together")
        if self.task is Task.FACE_RECOGNISER and (self.threshold is None or self.detector_sha256 is None):
            raise ValueError("a recogniser says its threshold, and detector_sha256: the detector it holds with")
        return self

    @property
    def sha256(self) -> str:
        """Of the ONNX file: the model's identity in records."""
        return self.files[self.model]


def manifest_problem(error: ValidationError) -> str:
    """The first thing wrong with a manifest, as a clause that names the key."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
