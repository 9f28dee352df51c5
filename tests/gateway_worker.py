"""One worker of the gateway in a process of its own; run by `tests.gateway_workers`.

    python gateway_worker.py FD

Serves on the listening socket that it inherits as FD; the environment says which deployment.
"""

from __future__ import annotations

import socket
import sys

import uvicorn
from fastapi import FastAPI

from twinledger.deployment import open_books
from twinledger.web import create_app


def nobody() -> str:
    """Pages are not asked for here."""
    return "nobody"


if __name__ == "__main__":
    outer = FastAPI()
    inner = create_app(open_books, nobody)
    outer.mount("/twinledger", inner)
    config = uvicorn.Config(outer, log_level="error", ws="none")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
    inner.state.context.close()
