"""Shares one cache between bifocal and Python's huggingface_hub, both ways, over a small hub of its
own.

    npm run build
    python test/oracles/hub_cache.py

Exits 1 at the first difference. Needs huggingface_hub.
"""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAIN = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "cli" / "main.js"
COMMIT = "a" * 40
FILES = {
    "README.md": b"# A model",
    "config.json": b'{"model_type": "llava"}',
    "tokenizer.json": b"{}",
    "model.safetensors": (2).to_bytes(8, "little") + b"{}" + bytes(range(256)) * 2000,
    "pytorch_model.bin": b"pickled",
}
ASKED: list[str] = []


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def stored(name: str) -> bool:
    return name.endswith((".safetensors", ".bin"))


def digest(name: str) -> str:
    return sha256(FILES[name]) if stored(name) else git_blob(FILES[name])


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status: int, data: bytes, **headers: str):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def body(self, data: bytes, **headers: str):
        start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        if start > 0:
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.reply(206 if start > 0 else 200, data[start:], **headers)

    def do_GET(self):
        path = self.path.split("?")[0]
        ASKED.append(f"{self.command} {path} {self.headers.get('Range') or ''}".strip())
        if path.startswith("/api/models/acme/tiny"):
            siblings = [
                {"rfilename": name, "size": len(data), "blobId": git_blob(data)}
                | ({"lfs": {"sha256": sha256(data), "size": len(data), "pointerSize": 134}} if stored(name) else {})
                for name, data in FILES.items()
            ]
            model = {"_id": "0", "id": "acme/tiny", "modelId": "acme/tiny", "sha": COMMIT, "private": False, "siblings": siblings}
            return self.reply(200, json.dumps(model).encode(), Content_Type="application/json")
        if path.startswith("/storage/"):
            return self.body(next(data for data in FILES.values() if sha256(data) == path.split("/")[-1]))
        name = path.split("/")[-1]
        if name not in FILES:
            return self.reply(404, b"{}", X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)
        if not stored(name):
            return self.body(FILES[name], ETag=f'"{digest(name)}"', X_Repo_Commit=COMMIT)
        linked = {"X_Linked_ETag": f'"{digest(name)}"', "X_Linked_Size": str(len(FILES[name])), "X_Repo_Commit": COMMIT}
        # Another origin, as the real storage is: relative redirects are followed for headers too.
        return self.reply(302, b"", Location=f"http://localhost:{self.server.server_address[1]}/storage/{digest(name)}", **linked)

    do_HEAD = do_GET


PYTHON = """
import json, sys
from huggingface_hub import scan_cache_dir, snapshot_download, try_to_load_from_cache
folder = snapshot_download("acme/tiny", allow_patterns=["*.json", "*.safetensors"], local_files_only="--local" in sys.argv)
scan = scan_cache_dir()
absent = try_to_load_from_cache("acme/tiny", "merges.txt")
print(json.dumps({"folder": folder, "warnings": [str(w) for w in scan.warnings], "size": scan.size_on_disk, "absent": type(absent).__name__}))
"""


def run(command: list[str], environment: dict[str, str]) -> dict:
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command[:3]} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def python(environment, *flags):
    return run([sys.executable, "-c", PYTHON, *flags], environment)


def bifocal(environment):
    return run(["node", str(MAIN), "pull", "acme/tiny", "--json"], environment)


def check(what: str, holds: bool):
    print(f"{'ok  ' if holds else 'FAIL'} {what}")
    if not holds:
        print("\n".join(ASKED[-12:]))
        sys.exit(1)


def downloads() -> list[str]:
    """Contents that were sent since the last call."""
    sent = [line for line in ASKED if line.startswith("GET") and not line.startswith("GET /api") and not line.split()[1].endswith(("safetensors", "bin"))]
    ASKED.clear()
    return sent


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"

    def home() -> dict[str, str]:
        return {"HF_HOME": tempfile.mkdtemp(), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

    def blob(environment: dict[str, str], name: str) -> Path:
        return Path(environment["HF_HOME"], "hub", "models--acme--tiny", "blobs", digest(name))

    def half(environment: dict[str, str]):
        part = Path(str(blob(environment, "model.safetensors")) + ".incomplete")
        part.parent.mkdir(parents=True)
        part.write_bytes(FILES["model.safetensors"][:300_000])

    ours = home()
    pulled = bifocal(ours)
    check("bifocal fetched config, tokenizer and weights", len(downloads()) == 3)
    seen = python(ours)
    check("Python has the same snapshot and downloads nothing", seen["folder"] == pulled["folder"] and downloads() == [])
    check("Python finds nothing wrong with the cache", seen["warnings"] == [])
    check("Python knows which files the repository lacks", seen["absent"] == "object")
    check("Python reads the cache offline", python({**ours, "HF_HUB_OFFLINE": "1"}, "--local")["folder"] == pulled["folder"])

    theirs = home()
    seen = python(theirs)
    check("Python fetched the same files", len(downloads()) == 3)
    pulled = bifocal(theirs)
    check("bifocal has the same snapshot", pulled["folder"] == seen["folder"])
    check("bifocal downloads nothing", downloads() == [] and not any(file["fetched"] for file in pulled["files"]))

    for name, program in {"bifocal": bifocal, "Python": python}.items():
        environment = home()
        half(environment)
        program(environment)
        check(f"{name} goes on with an unfinished file", any("bytes=300000-" in line for line in downloads()))
        check(f"{name} ends with the right bytes", sha256(blob(environment, "model.safetensors").read_bytes()) == digest("model.safetensors"))


if __name__ == "__main__":
    main()
