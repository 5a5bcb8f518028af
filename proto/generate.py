"""Generate the Python modules and type stubs of the gate contract from its .proto files.

Run by `make proto` and by the wheel build. Writes beside the .proto files; nothing generated is committed.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]  # ships no types

ROOT = Path(__file__).resolve().parent


def generate() -> None:
    """Run protoc over gate_contract/v1; raises SystemExit when a file does not compile."""
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "gate_contract" / "v1").glob("*.proto"))
    well_known = str(resources.files("grpc_tools") / "_proto")
    plugins = Path(sys.executable).parent
    arguments = [
        "protoc",
        f"--proto_path={ROOT}",
        f"--proto_path={well_known}",
        f"--plugin=protoc-gen-mypy={plugins / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}",
    ]
    messages = [f"--python_out={ROOT}", f"--mypy_out=quiet:{ROOT}", *sources]
    services = [source for source in sources if "\nservice " in (ROOT / source).read_text(encoding="utf-8")]
    stubs = [f"--grpc_python_out={ROOT}", f"--mypy_grpc_out=quiet:{ROOT}", *services]
    for outputs in (messages, stubs):
        if (status := protoc.main(arguments + outputs)) != 0:
            raise SystemExit(status)


if __name__ == "__main__":
    generate()
